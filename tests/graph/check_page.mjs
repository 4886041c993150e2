// Opens a page in headless Chromium, uses it as a reader would, and prints what was seen as one line of JSON.
// Usage: node check_page.mjs PAGE.html CHROMIUM [SCREENSHOT.png] [large]
// With `large`, it only clicks from within the page: the browser's driver takes minutes to look at ten thousand rows.
import { chromium } from "playwright-core";

const [page_file, program, picture, large] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1300, height: 1000 } });
const seen = { console: [], requests: [], dialogs: [] };
page.on("console", (message) => { if (message.type() !== "log") seen.console.push(message.text()); });
page.on("pageerror", (error) => seen.console.push(String(error)));
page.on("request", (request) => { if (!request.url().startsWith("file:") || request.url().split("/").pop() !== page_file.split("/").pop()) seen.requests.push(request.url()); });
page.on("dialog", async (dialog) => { seen.dialogs.push(dialog.message()); await dialog.dismiss(); });
await page.goto(`file://${page_file}`);
await page.waitForLoadState("load");

const table = page.locator("section.table").first();
// The texts of the shown rows, read in the page: a call for each of ten thousand rows would take minutes.
const texts = (place) => page.evaluate((place) => {
  const rows = document.querySelector("section.table table").tBodies[0].rows;
  return [...rows].filter((row) => !row.hidden).map((row) => row.cells[place].textContent.trim());
}, place);
const names = () => texts(0);
const column = async (title) => {
  const titles = await table.locator("thead th").allInnerTexts();
  return titles.map((text) => text.trim()).indexOf(title);
};
const figures = async (title) => texts(await column(title));

if (large) {
  Object.assign(seen, await page.evaluate(() => {
    const shown = () => [...document.querySelector("section.table table").tBodies[0].rows].filter((row) => !row.hidden).length;
    const result = { all: shown(), map: document.querySelectorAll("#map g").length };
    document.querySelector(".folds").click();
    result.folded = shown();
    document.querySelector(".folds").click();
    const filter = document.querySelector("input[type=search]");
    filter.value = "g.4999";
    filter.dispatchEvent(new Event("input"));
    result.filtered = shown();
    return result;
  }));
  console.log(JSON.stringify(seen));
  await browser.close();
  process.exit(0);
}

seen.title = await page.title();
seen.all = await names();
seen.macs = await figures("MACs");
const head = table.locator("thead button", { hasText: "MACs" });
await head.click();
seen.sorted = await names();
seen.sortedMacs = await figures("MACs");
seen.ariaSort = await table.locator("thead th").nth(await column("MACs")).getAttribute("aria-sort");
await head.click();
await head.click();
seen.unsorted = await names();

const folds = table.locator(".folds");
if (await folds.isVisible()) {
  await folds.click();
  seen.folded = await names();
  seen.foldedMacs = await figures("MACs");
  await folds.click();
  await table.locator("button.fold").first().press("Enter"); // with the keyboard
  seen.foldedFirst = await names();
  await table.locator("button.fold").first().press("Enter");
}
const filter = table.locator("input[type=search]");
if (await filter.isVisible()) {
  await filter.fill("conv_2");
  seen.filtered = await names();
  await filter.fill("");
  await table.locator("fieldset input").first().uncheck();
  seen.columns = await table.locator("thead th:visible").allInnerTexts();
  await table.locator("fieldset input").first().check();
}
const cell = table.locator("td[data-q]").first();
if (await cell.count()) {
  await cell.focus();
  await page.keyboard.press("Enter");
  seen.formula = await page.locator("dialog").innerText();
  await page.keyboard.press("Escape");
  seen.dialogOpen = await page.locator("dialog").isVisible();
  seen.map = await page.locator("#map g title").allTextContents();
  await page.locator("#treemap select").selectOption({ label: "params" });
  seen.paramsMap = await page.locator("#map g title").allTextContents();
}
if (picture) await page.screenshot({ path: picture });
console.log(JSON.stringify(seen));
await browser.close();
