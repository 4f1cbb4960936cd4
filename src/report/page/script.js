(function () {
  "use strict";
  var seconds = Number(document.body.dataset.refresh);
  if (seconds) {
    setInterval(function () {
      if (!document.querySelector("details[open]") && !document.hidden) location.reload();
    }, seconds * 1000);
  }
  var tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("aria-hidden", "true");
  document.body.appendChild(tip);
  document.querySelectorAll(".plot rect").forEach(function (strip) {
    var title = strip.querySelector("title");
    var text = title.textContent;
    title.remove();
    strip.addEventListener("pointerenter", function () {
      tip.textContent = text;
      var at = strip.getBoundingClientRect();
      var middle = at.left + at.width / 2;
      tip.style.display = "block";
      var left = middle + 12 + tip.offsetWidth > innerWidth ? middle - 12 - tip.offsetWidth : middle + 12;
      tip.style.left = Math.max(4, left) + scrollX + "px";
      tip.style.top = at.top + 8 + scrollY + "px";
    });
    strip.addEventListener("pointerleave", function () { tip.style.display = "none"; });
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (fold) { fold.open = true; fold.dataset.was = ""; });
  });
  addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-was]").forEach(function (fold) { fold.open = false; delete fold.dataset.was; });
  });
})();
