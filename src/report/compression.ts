import type { CompressResult } from "../compress/index.ts";
import { describePromise } from "../twin/index.ts";
import { candidatesTable } from "./candidates.ts";
import { percent, significant, whole } from "./figures.ts";
import { html, trusted } from "./markup.ts";
import { tableOf, termsOf } from "./page/parts.ts";
import { thresholds } from "./page/quality.ts";
import { style } from "./page/style.ts";

/** One HTML file that shows a compression: the promise, the networks tried, the twin over the threshold, the time it took. */
export function compressionReport(name: string, result: CompressResult): string {
  const { recipe, reason, parts, scores, minutes, calibrated } = result;
  const { manifest, calibration } = calibrated;
  const twin = { confidence: manifest.confidence.measure, threshold: manifest.threshold };
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}: twindnn compress</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
<header>
<p class="kind">twindnn compress</p>
<h1>${name}</h1>
<p class="lead">Promised: ${describePromise(calibration.promise)}.</p>
<p class="promise">Proven on ${whole(calibration.images)} images, for new images like these; it escalates ${percent(calibration.chosen.escalationRate)} of them.
Speeds are estimated from the times that the networks took on them.</p>
</header>
<section>
<h2>Networks tried</h2>
<p>On the selection images, cheapest twin first: what each network is alone, and the twin that it would make with the original in float32.</p>
${tableOf(candidatesTable(scores))}
</section>
${thresholds({ curve: calibrated.curve.filter(({ threshold }) => Number.isFinite(threshold)), twin })}
<section>
<h2>How it was made</h2>
${termsOf([
  ["recipe", recipe],
  ["because", reason],
  [
    "images",
    Object.entries(parts)
      .map(([part, count]) => `${whole(count)} ${part}`)
      .join(", "),
  ],
  ["original", `${manifest.networks.original.file}, ${manifest.networks.original.sha256}`],
])}
${tableOf({ headings: ["step", "minutes"], rows: Object.entries(minutes).map(([step, spent]) => [step, significant(spent)]) })}
</section>
</main>
</body>
</html>
`;
  return page.text;
}
