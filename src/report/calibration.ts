import type { CalibrateResult } from "../twin/index.ts";
import { describePromise } from "../twin/index.ts";
import { percent, whole } from "./figures.ts";
import { html, trusted } from "./markup.ts";
import { thresholds } from "./page/quality.ts";
import { style } from "./page/style.ts";

/** One HTML file that shows a calibration: the promise, and accuracy, agreement, escalation and speed over the threshold. */
export function calibrationReport(name: string, { manifest, calibration, curve }: CalibrateResult): string {
  const { chosen, promise, images } = calibration;
  const finite = curve.filter(({ threshold }) => Number.isFinite(threshold));
  const twin = { confidence: manifest.confidence.measure, threshold: manifest.threshold };
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}: twindnn calibration</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
<header>
<p class="kind">twindnn calibration</p>
<h1>${name}</h1>
<p class="lead">Promised: ${describePromise(promise)}.</p>
<p class="promise">Proven on ${whole(images)} images, for new images like these; it escalates ${percent(chosen.escalationRate)} of them.
Speeds are estimated from the times that the networks took on them.</p>
</header>
${thresholds({ curve: finite, twin })}
</main>
</body>
</html>
`;
  return page.text;
}
