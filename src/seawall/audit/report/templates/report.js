"use strict";
// Shows the cards that fit the filter, and remembers which steps were ticked where the browser allows it.
const form = document.getElementById("filters");
const cards = [...document.querySelectorAll("#findings .card")];
const text = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));

function filter() {
  const chosen = new FormData(form);
  const words = chosen.get("text").toLowerCase().split(/\s+/);
  let shown = 0;
  for (const card of cards) {
    const fits = ["severity", "sureness", "tip"].every((name) => chosen.getAll(name).includes(card.dataset[name]));
    card.hidden = !(fits && words.every((word) => text.get(card).includes(word)));
    shown += !card.hidden;
  }
  document.getElementById("none").hidden = shown > 0;
  document.getElementById("shown").textContent = shown === cards.length ? `all ${shown}` : `${shown} of ${cards.length}`;
}

function remember(box) {
  const key = `seawall/${box.dataset.step}`;
  try {
    box.checked = localStorage.getItem(key) === "done";
    box.addEventListener("change", () => (box.checked ? localStorage.setItem(key, "done") : localStorage.removeItem(key)));
  } catch (refused) {
    box.title = "This browser does not keep ticks of a file.";
  }
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
document.querySelectorAll("[data-step]").forEach(remember);
