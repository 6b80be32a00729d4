#include "report/page.h"

namespace adze::report {

std::string_view Script() {
  return R"js(//<![CDATA[
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, text, properties) => Object.assign(document.createElement(tag), {textContent: text}, properties);

// Sorting: the heads of the columns become buttons. Unknown values stay last in both directions.
for (const table of all("table.sortable")) {
  all("thead th", table).forEach((head, column) => {
    const button = make("button", head.textContent, {type: "button"});
    const key = row => {
      const cell = row.cells[column];
      if (!head.classList.contains("num")) return cell.textContent.trim().toLowerCase();
      return "v" in cell.dataset ? Number(cell.dataset.v) : null;
    };
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : head.classList.contains("num") && column > 0;
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = (a, b) => {
        const x = key(a), y = key(b);
        if (x === null || y === null) return (x === null) - (y === null);
        const order = typeof x === "number" ? (x > y) - (y > x) : x.localeCompare(y);
        return down ? -order : order;
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
    });
    head.replaceChildren(button);
  });
}

// Filtering: a search field above whatever names its items.
for (const box of all("[data-filter]")) {
  const items = all("[data-item]", box);
  if (items.length > 8) {
    const field = make("input", "", {type: "search", placeholder: box.dataset.filter});
    field.setAttribute("aria-label", box.dataset.filter);
    const count = make("span", "");
    count.setAttribute("role", "status");
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      let shown = 0;
      for (const item of items) {
        item.hidden = !item.dataset.item.toLowerCase().includes(wanted);
        shown += !item.hidden;
      }
      if (wanted) for (const part of box.children) if (part.localName === "details") part.open = true;
      count.textContent = wanted ? `${shown} of ${items.length}` : "";
    });
    const bar = make("div", "", {className: "tools"});
    bar.append(field, count);
    if (box.dataset.expand) {
      for (const open of [true, false]) {
        const button = make("button", open ? "Open all" : "Close all", {type: "button"});
        button.addEventListener("click", () => all("details", box).forEach(d => { d.open = open; }));
        bar.append(button);
      }
    }
    const heading = box.querySelector(":scope > h3");
    heading ? heading.after(bar) : box.prepend(bar);
  }
}

// A link to something inside closed parts opens them.
const reveal = () => {
  let part = document.getElementById(location.hash.slice(1));
  if (!part || !part.closest("details")) return;
  const target = part;
  while ((part = part.closest("details"))) { part.open = true; part = part.parentElement; }
  target.scrollIntoView({block: "center"});
};
addEventListener("hashchange", reveal);
reveal();

// Print everything, then put it back.
let closed = [];
addEventListener("beforeprint", () => {
  closed = all("details:not([open])");
  for (const d of closed) d.open = true;
});
addEventListener("afterprint", () => { for (const d of closed) d.open = false; });
//]]>
)js";
}

}  // namespace adze::report
