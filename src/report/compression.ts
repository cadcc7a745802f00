import type { CompressResult } from "../compress/index.ts";
import { candidatesTable } from "./candidates.ts";
import { html } from "./markup.ts";
import { documentOf } from "./page/document.ts";
import { layerByLayer } from "./page/layers.ts";
import { how } from "./page/making.ts";
import { tableOf } from "./page/parts.ts";
import { calibratedThresholds, promisedLead } from "./page/promised.ts";
import { trainings } from "./page/trainings.ts";

/**
 * One HTML file that shows a compression: the promise, the networks tried, their training, the twin over the threshold, the
 * layers before and after, what each step took.
 */
export function compressionReport(name: string, result: CompressResult): string {
  const { scores, chosen, curves, layers, calibrated } = result;
  const body = html`<section>
<h2>Networks tried</h2>
<p>On the selection images, cheapest twin first: what each network is alone, and the twin that it would make, with the original in int8 behind it where there is one. Taken: ${chosen}.</p>
${tableOf(candidatesTable(scores))}
</section>
${trainings(curves)}
${calibratedThresholds(calibrated)}
${layerByLayer(chosen, layers)}
${how(result)}`;
  return documentOf({ name, tool: "twindnn compress", lead: promisedLead(calibrated) }, body);
}
