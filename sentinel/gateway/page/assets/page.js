// The branch's page: the answer button. stream.js keeps the sections fresh; plots.js draws.

import "./plots.js";

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

// Delegated: incidents come and go with the stream. What the answer does is said beside it; here is only its way.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.answer");
  if (form === null) return;
  event.preventDefault();
  const outcome = form.querySelector(".outcome");
  const button = form.querySelector("button");
  button.disabled = true;
  outcome.textContent = "";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ by: form.elements.by.value.trim() }),
      signal: AbortSignal.timeout(10_000),
    });
    outcome.textContent = answer.ok ? labels.taken : labels.notTaken;
    if (answer.ok) form.reset();
  } catch {
    outcome.textContent = labels.notTaken; // no answer is no yes
  } finally {
    button.disabled = false;
  }
});
