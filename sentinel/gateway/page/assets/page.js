// The branch's page: the answer button, and a word to whoever listens. stream.js keeps the sections fresh; plots.js draws.

document.body.dataset.answers = ""; // page.css shows the button: without this script it says how else to answer
const labels = document.querySelector("main").dataset;

// How many are open, in the name of the tab.
const title = document.title;
function count() {
  const more = Number(document.querySelector(".more-open")?.dataset.count ?? 0);
  const open = document.querySelectorAll(".incident").length + more;
  document.title = open > 0 ? `(${open}) ${title}` : title;
}
document.addEventListener("stream:section", count);
count();

// Whoever does not see the page hears of each incident that opens, once.
const spoken = document.querySelector("[role=alert]");
const known = new Set();
function news() {
  const fresh = [...document.querySelectorAll(".incident")].filter((one) => !known.has(one.id));
  for (const one of fresh) known.add(one.id);
  return fresh.map((one) => one.querySelector("h3").textContent.trim()).join(". ");
}
news();
document.addEventListener("stream:section", () => {
  const told = news();
  if (told) spoken.textContent = told;
});

// Delegated: incidents come and go with the stream. What the answer does is said beside it; here is only its way.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.answer");
  if (form === null) return;
  event.preventDefault();
  const outcome = form.querySelector(".outcome");
  const by = form.elements.by.value.trim();
  if (!by) {
    outcome.textContent = labels.noName;
    return;
  }
  const button = form.querySelector("button");
  button.disabled = true;
  outcome.textContent = "";
  try {
    const answer = await fetch(`/api/v1/incidents/${form.dataset.code}/acknowledge`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ by }),
      signal: AbortSignal.timeout(10_000),
    });
    outcome.textContent = answer.ok ? labels.taken : answer.status === 404 ? labels.notOpen : labels.notTaken;
    if (answer.ok) form.reset();
  } catch {
    outcome.textContent = labels.notTaken; // no answer is no yes
  } finally {
    button.disabled = false;
  }
});
