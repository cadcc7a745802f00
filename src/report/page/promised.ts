import { type CalibrateResult, describePromise } from "../../twin/index.ts";
import { percent, whole } from "../figures.ts";
import { html, type Markup } from "../markup.ts";
import { thresholds } from "./quality.ts";

/** What a calibrated twin promises, and by what. */
export function promisedLead({ calibration: { chosen, promise, worstClass, images } }: CalibrateResult): Markup {
  return html`<p class="lead">Promised: ${describePromise({ ...promise, worstClass })}.</p>
<p class="promise">Proven on ${whole(images)} images, for new images like these; it escalates ${percent(chosen.escalationRate)} of them.
Speeds are estimated from the times that the networks took on them.</p>`;
}

/** The calibrated twin over the threshold. */
export function calibratedThresholds({ manifest, curve }: CalibrateResult): Markup | undefined {
  const finite = curve.filter(({ threshold }) => Number.isFinite(threshold));
  return thresholds({
    curve: finite,
    twin: { confidence: manifest.confidence.measure, threshold: manifest.threshold },
  });
}
