/* A page is printed in light colours and with every fold open, whatever the screen shows. */

addEventListener("beforeprint", () => {
  const { dataset } = document.documentElement;
  const { theme } = dataset;
  const folds = document.querySelectorAll("article details:not([open])");
  dataset.theme = "light";
  for (const fold of folds) fold.open = true;
  addEventListener(
    "afterprint",
    () => {
      dataset.theme = theme;
      for (const fold of folds) fold.open = false;
    },
    { once: true },
  );
});
