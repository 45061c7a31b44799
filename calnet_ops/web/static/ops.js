// Renews the ops page in place, so that scrolling and pointing survive.
"use strict";

const pulse = document.getElementById("pulse");

async function renew() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("live").replaceChildren(...fresh.getElementById("live").childNodes);
    pulse.textContent = `as of ${new Date().toISOString().slice(11, 19)} UTC`;
    pulse.classList.remove("lost");
  } catch {
    pulse.textContent = `no answer since ${new Date().toISOString().slice(11, 19)} UTC`;
    pulse.classList.add("lost");
  }
}

pulse.textContent = `as of ${new Date().toISOString().slice(11, 19)} UTC`;
setInterval(() => document.hidden || renew(), 1000 * Number(pulse.dataset.refresh));
