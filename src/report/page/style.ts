/** The page's style sheet: light and dark, phone and desk; plots take their colours from it. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #fdfdfb; --card: #f5f5f1; --ink: #1c2024; --soft: #5c646d; --rule: #dcdcd4;
  --original: #66707c; --int8: #8563c4; --compressed: #d98200; --twin: #0b72b9; --changed: #b8443a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181b; --card: #1e2226; --ink: #e8e9e6; --soft: #a0a8b0; --rule: #363c42;
    --original: #97a3b0; --int8: #b69ae8; --compressed: #f0a640; --twin: #56b1ee; --changed: #ec8379;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 968px; margin: 0 auto; padding: 40px 24px 80px; }
header p.kind { margin: 0; color: var(--soft); letter-spacing: .04em; }
h1 { margin: 0 0 12px; font-size: clamp(26px, 5vw, 38px); line-height: 1.15; letter-spacing: -.015em; overflow-wrap: anywhere; }
h2 { margin: 64px 0 8px; font-size: 22px; line-height: 1.25; letter-spacing: -.01em; }
h3 { margin: 28px 0 4px; font-size: 16px; }
figure h3 { margin-top: 0; }
p { margin: 8px 0; max-width: 68ch; }
p.lead { font-size: 19px; line-height: 1.5; }
.soft, figcaption, .note { color: var(--soft); }
.note { font-size: 14px; }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.promise { margin: 24px 0 0; padding: 14px 18px; background: var(--card); border-left: 4px solid var(--twin); border-radius: 0 8px 8px 0; max-width: none; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 28px 0 0; padding: 0; }
.facts div { background: var(--card); border-radius: 10px; padding: 14px 18px; }
.facts dt { color: var(--soft); font-size: 14px; }
.facts dd { margin: 0; font-size: 30px; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.facts dd.small { font-size: 14px; font-weight: 400; letter-spacing: 0; color: var(--soft); line-height: 1.4; }
.scroll { overflow-x: auto; margin: 16px 0; }
table { border-collapse: collapse; width: 100%; font-size: 15px; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 0 8px 20px; text-align: right; white-space: pre; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em; }
thead th { color: var(--soft); font-weight: 500; font-size: 14px; border-bottom: 1px solid var(--ink); vertical-align: bottom; }
tbody td, tbody th { border-bottom: 1px solid var(--rule); font-weight: 400; }
tbody tr.twin > * { font-weight: 650; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 8px; background: var(--colour); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 12px 0 4px; padding: 0; list-style: none; font-size: 14px; }
figure { margin: 16px 0; min-width: 0; }
figure svg { width: 100%; height: auto; overflow: visible; --plot-background: var(--page); }
figure .scroll svg { min-width: 620px; margin-bottom: 6px; }
.phone { display: none; }
figcaption { font-size: 14px; max-width: 68ch; margin-top: 8px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 8px 40px; }
.bar { display: flex; height: 34px; margin: 20px 0 12px; border-radius: 6px; overflow: hidden; gap: 2px; }
.bar span { background: var(--colour); min-width: 2px; }
.faded { opacity: .45; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 18px 24px; margin: 16px 0; padding: 0; list-style: none; }
.pictures li { display: grid; grid-template-columns: 72px 1fr; gap: 12px; align-items: start; font-size: 14px; line-height: 1.4; min-width: 0; }
.pictures img { width: 72px; height: 72px; object-fit: contain; border-radius: 6px; background: var(--card); image-rendering: pixelated; }
.pictures div { min-width: 0; overflow-wrap: anywhere; }
.pictures small { color: var(--soft); font-size: 12px; }
.pictures .soft { white-space: nowrap; }
.about { display: grid; grid-template-columns: max-content 1fr; gap: 6px 24px; margin: 16px 0; font-size: 15px; }
.about dt { color: var(--soft); }
.about dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
@media (max-width: 600px) {
  main { padding: 24px 16px 56px; }
  h2 { margin-top: 48px; }
  .facts { grid-template-columns: 1fr 1fr; gap: 8px; }
  .facts div { padding: 10px 12px; }
  .facts dd { font-size: 24px; }
  .facts dd.small { font-size: 13px; }
  .about { grid-template-columns: 1fr; gap: 0; }
  .about dd { margin-bottom: 10px; }
  .desk { display: none; }
  .phone { display: block; }
}
@media print { h2 { break-after: avoid; } figure, table, .pictures li { break-inside: avoid; } .scroll { overflow: visible; } }
`;
