// Elements of the page. What comes from elsewhere goes in as text, never as markup.

const ROWS_MAX = 50;

export const find = id => document.getElementById(id);

export function made(tag, attributes = {}, ...content) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...content.filter(one => one !== null && one !== undefined));
  return node;
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function mark(node, name, value) {
  if (value === null || value === undefined || value === "") node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function reveal(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

// A cell's content: text, {text, title, kind}, an instant, or an element.
function fill(cell, value, kind) {
  if (value instanceof Node) {
    mark(cell, "class", kind);
    if (cell.firstChild !== value) cell.replaceChildren(value);
    return;
  }
  const {text, title = "", kind: more = "", iso = ""} = typeof value === "object" ? value : {text: value};
  mark(cell, "class", [kind, more].filter(Boolean).join(" "));
  if (iso) {
    let time = cell.querySelector("time");
    if (!time) {
      time = made("time");
      cell.replaceChildren(time);
    }
    say(time, text);
    mark(time, "datetime", iso);
    mark(time, "title", title);
    return;
  }
  say(cell, text);
  mark(cell, "title", title);
}

// The key of rows that never change: another content is another row.
export const whole = (row, place) => `${place} ${JSON.stringify(row)}`;

// A table whose rows are kept by their keys, so that what did not change is not touched: a
// reader's place, a selection and the focus survive each new state.
export function tableIn(box, caption, columns, nothing, most = ROWS_MAX) {
  const none = made("p", {class: "soft nothing"}, nothing);
  const body = made("tbody");
  const heads = columns.map(one => made("th", {scope: "col", class: one.kind}, one.name));
  const table = made("table", {}, made("caption", {class: "unseen"}, caption),
    made("thead", {}, made("tr", {}, ...heads)), body);
  const scroll = made("div", {class: "scroll"}, table);
  const further = made("p", {class: "soft"});
  box.replaceChildren(none, scroll, further);
  const kept = new Map();

  function rowOf(key) {
    if (!kept.has(key)) {
      const cells = columns.map((_, place) => place ? made("td") : made("th", {scope: "row"}));
      kept.set(key, {node: made("tr", {}, ...cells), cells});
    }
    return kept.get(key);
  }

  return function show(rows, keyOf, ...beside) {
    reveal(none, !rows.length);
    reveal(scroll, rows.length > 0);
    const wanted = new Set();
    rows.slice(0, most).forEach((row, place) => {
      const key = keyOf(row, place);
      wanted.add(key);
      const isKept = kept.has(key);
      const {node, cells} = rowOf(key);
      if (!isKept || keyOf !== whole) columns.forEach((column, at) => fill(cells[at], column.of(row, ...beside), column.kind));
      if (body.children[place] !== node) body.insertBefore(node, body.children[place] ?? null);
    });
    for (const [key, {node}] of kept) {
      if (!wanted.has(key)) {
        node.remove();
        kept.delete(key);
      }
    }
    const left = rows.length - most;
    say(further, left > 0 ? `and ${left} more` : "");
    reveal(further, left > 0);
    // What must be scrolled can be with the keyboard.
    const wide = scroll.scrollWidth > scroll.clientWidth || scroll.scrollHeight > scroll.clientHeight;
    mark(scroll, "tabindex", wide ? "0" : null);
    mark(scroll, "role", wide ? "region" : null);
    mark(scroll, "aria-label", wide ? caption : null);
  };
}

// Pairs of a name and what it is, kept by their names.
export function pairsIn(list) {
  const kept = new Map();
  return function show(pairs) {
    for (const {name, text, kind = "", title = "", beside = ""} of pairs) {
      if (!kept.has(name)) {
        const value = made("dd"), small = made("dd", {class: "beside"});
        list.append(made("div", {}, made("dt", {}, name), value, small));
        kept.set(name, {value, small});
      }
      const {value, small} = kept.get(name);
      say(value, text);
      mark(value, "class", kind);
      mark(value, "title", title);
      say(small, beside);
    }
  };
}
