"use strict";

// Sorting: rows within each protocol; the first press puts the best on top, empty cells stay below.
function sortBy(table, column, header) {
  const other = { ascending: "descending", descending: "ascending" };
  const now = header.getAttribute("aria-sort");
  const direction = now ? other[now] : header.dataset.first;
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("section"));
    const keys = new Map(rows.map((row) => [row, keyOf(row.cells[column])]));
    rows.sort((one, two) => compare(keys.get(one), keys.get(two), sign));
    body.append(...rows);
  }
}

function keyOf(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const text = cell.textContent.trim();
  return text === "" || text === "–" ? null : text;
}

function compare(one, two, sign) {
  if (one === null || two === null) return (one === null) - (two === null);
  if (typeof one === "number" && typeof two === "number") return sign * (one - two);
  return sign * String(one).localeCompare(String(two), undefined, { numeric: true });
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(table, column, header));
    header.append(button);
  });
}

// Choices: one benchmark at a time.
for (const select of document.querySelectorAll("select[data-choice]")) {
  const choose = () => {
    for (const part of document.querySelectorAll(`[data-of="${select.dataset.choice}"]`)) {
      part.hidden = part.dataset.number !== select.value;
    }
  };
  select.addEventListener("change", choose);
  choose();
}

// Commands can be copied.
for (const block of document.querySelectorAll("pre.command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  block.append(button);
}
document.addEventListener("click", async (event) => {
  if (!event.target.matches(".copy")) return;
  const code = event.target.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    event.target.textContent = "Copied";
    setTimeout(() => (event.target.textContent = "Copy"), 1500);
  } catch {
    getSelection().selectAllChildren(code);  // the reader presses the keys
  }
});

// Numbers open the records behind them.
const drawer = document.getElementById("drawer");
const drawerBody = document.getElementById("drawer-body");
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-runs]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const copies = link.dataset.runs.split(" ").map((anchor) => {
    const copy = document.getElementById(anchor).cloneNode(true);
    copy.removeAttribute("id");
    copy.open = true;
    return copy;
  });
  drawerBody.replaceChildren(...copies);
  drawer.showModal();
  drawer.scrollTop = 0;
});
document.getElementById("drawer-close").addEventListener("click", () => drawer.close());
drawer.addEventListener("click", (event) => {
  if (event.target === drawer || event.target.closest("a[data-plain]")) drawer.close();
});

// A link to something that is folded unfolds it.
function unfold() {
  const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", unfold);
unfold();

// On paper nothing is folded but asides, unless the records alone would fill a book.
const MOST_PRINTED_RUNS = 60;
let unfolded = [];
addEventListener("beforeprint", () => {
  const folded = [...document.querySelectorAll("main details:not([open], .aside)")];
  const runs = document.querySelectorAll("#runs details.run").length;
  unfolded = folded.filter((each) => runs <= MOST_PRINTED_RUNS || !each.matches(".run"));
  for (const each of unfolded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
});
