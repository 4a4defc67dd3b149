// A clock on the board, a guard against pressing a button twice (the server is safe without it), suggested airports.
const clock = document.querySelector("[data-clock]");
if (clock) {
  const tick = () => { clock.textContent = new Date().toISOString().slice(11, 19); };
  tick();
  setInterval(tick, 1000);
}
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
});
// A page that comes back from the browser's history must be usable again.
addEventListener("pageshow", () => document.querySelectorAll("button").forEach((button) => { button.disabled = false; }));

// 600 airports are fetched when somebody is about to type one, not with every page.
document.addEventListener("focusin", async (event) => {
  const id = event.target.getAttribute?.("list");
  if (id !== "airports" || document.getElementById(id)) return;
  const list = Object.assign(document.createElement("datalist"), { id });
  document.body.append(list);
  const { airports } = await (await fetch("/api/airports")).json();
  list.append(...airports.map(({ city, iata, country }) => new Option(country, `${city} (${iata})`)));
});
