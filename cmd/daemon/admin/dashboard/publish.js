// Publishes one event, where admin.publish is true.

const kPatienceMs = 15_000;

// Returns what to tell: that the event is published, or why not.
async function publish(event) {
  const answer = await fetch('publish', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(event),
    signal: AbortSignal.timeout(kPatienceMs),
  });
  const { id, message } = await answer.json();
  return answer.ok ? ['well', `Published on ${event.topic}: ${id}`] : ['bad', message];
}

export function makePublishForm(section) {
  const form = section.querySelector('form');
  const result = section.querySelector('#publish-result');
  let busy = false;
  const tell = (level, sentence) => {
    result.dataset.level = level;
    result.textContent = sentence;
  };
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    if (busy) return;
    busy = true;
    tell('note', 'Publishing…');
    const { topic, event, data } = form.elements;
    const name = event.value.trim();
    try {
      tell(...await publish({
        topic: topic.value.trim(), data: data.value, ...(name && { event: name }),
      }));
    } catch {
      tell('bad', 'crier did not answer: it may have published the event, or not.');
    }
    busy = false;
  });
}
