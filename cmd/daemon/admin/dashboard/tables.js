// Tables whose rows follow the samples. Texts of others reach the page as text only.

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// `columns`: functions from a row to a text, or to { text, share } for a bar behind the text, or to
// { text, copy } for a button that copies it.
export class Table {
  #body;
  #columns;

  constructor(body, columns) {
    this.#body = body;
    this.#columns = columns;
  }

  // Changes only what differs, so that a selection or the focus stays where it is.
  show(rows) {
    const body = this.#body;
    body.closest('table').classList.toggle('empty', rows.length === 0);
    while (body.rows.length > rows.length) body.deleteRow(-1);
    for (const [i, row] of rows.entries()) {
      const line = body.rows[i] ?? this.#addRow();
      for (const [j, column] of this.#columns.entries()) this.#fill(line.cells[j], column(row));
    }
  }

  #addRow() {
    const line = this.#body.insertRow();
    for (const j of this.#columns.keys()) {
      const cell = document.createElement(j === 0 ? 'th' : 'td');
      if (j === 0) cell.scope = 'row';
      cell.append(document.createElement('bdi'));
      line.append(cell);
    }
    return line;
  }

  #fill(cell, content) {
    const { text, share, copy, swatch } = typeof content === 'string' ? { text: content } : content;
    setText(cell.firstChild, text);
    if (share !== undefined) {
      cell.classList.add('bar');
      cell.style.setProperty('--share', Math.min(1, Math.max(0, share)));
    }
    if (swatch) cell.dataset.swatch = swatch;
    if (copy && !cell.querySelector('button')) cell.append(copyButton(cell.firstChild));
  }
}

// The clipboard exists on https and on this machine only; elsewhere the text is selected.
function copyButton(source) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  return button;
}

export { setText };
