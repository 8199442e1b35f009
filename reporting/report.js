"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const filter = document.getElementById("filter");
const [text, verdict, fresh] = ["filter-text", "filter-verdict", "filter-new"].map(id => document.getElementById(id));
const status = document.getElementById("filter-status");
const tables = all("table.findings");
const findings = all("tbody", document.getElementById("findings"));
const words = new Map();
const order = new Intl.Collator("en", {numeric: true});

function wordsOf(finding) {
  if (!words.has(finding)) words.set(finding, finding.textContent.toLowerCase());
  return words.get(finding);
}

function show() {
  const sought = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const finding of findings) {
    const fits = (!verdict.value || finding.dataset.verdict === verdict.value)
      && (!fresh.checked || finding.dataset.change === "new")
      && sought.every(word => wordsOf(finding).includes(word));
    finding.hidden = !fits;
    count += fits;
  }
  for (const table of tables) {
    table.hidden = !table.querySelector("tbody:not([hidden])");
    table.parentElement.querySelector(".none").hidden = !table.hidden;
  }
  const [some, whole] = [count, findings.length].map(number => number.toLocaleString("en"));
  status.textContent = count === findings.length ? `${whole} shown` : `${some} of ${whole} shown`;
}

function narrow(to) {
  verdict.value = to;
  text.value = "";
  fresh.checked = false;
  show();
}

function sort(table, head, column) {
  const falling = head.getAttribute("aria-sort") === "ascending";
  for (const other of all("th[aria-sort]", table.tHead)) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const valueOf = body => {
    const cell = body.rows[0].cells[column];
    return cell.dataset.sort ?? cell.textContent;
  };
  const sorted = [...table.tBodies].map(body => [valueOf(body), body]);
  sorted.sort((one, other) => (falling ? -1 : 1) * order.compare(one[0], other[0]));
  table.append(...sorted.map(([, body]) => body));
}

for (const table of tables) {
  all("th", table.tHead).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head, column));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
  table.classList.add("sortable");
}
for (const link of all("a[data-show]")) {
  link.addEventListener("click", () => narrow(link.dataset.show));
}
if (filter && findings.length) {
  for (const field of [text, verdict, fresh]) field.addEventListener("input", show);
  document.getElementById("filter-clear").addEventListener("click", () => narrow(""));
  filter.hidden = false;
  show();
}
