"use strict";
// Paper has no fold-outs: open those that matter before printing, close them again afterwards.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details.matters:not([open])")) {
    fold.open = true;
    fold.dataset.opened = "1";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-opened]")) {
    fold.open = false;
    delete fold.dataset.opened;
  }
});
