import type { LayerPair } from "../../compress/index.ts";
import { layersTables } from "../layers.ts";
import { html, type Markup } from "../markup.ts";
import { tableOf } from "./parts.ts";

/** What compression did to each layer. */
export function layerByLayer(compressed: string, layers: readonly LayerPair[]): Markup {
  const tables = layersTables(layers);
  const titles = tables.length === 1 ? [`the original / ${compressed}`] : ["the original", compressed];
  return html`<section>
<h2>Layer by layer</h2>
<p>Multiply-adds (MACs) and milliseconds are those of one image; in one thread on this machine, as each layer takes them within a network.</p>
${tables.map((table, place) => html`<h3>${titles[place]}</h3>${tableOf(table)}`)}
</section>`;
}
