import type { BenchResult, EscalatedImage } from "../../bench/types.ts";
import type { Table } from "../comparison.ts";
import { percent, significant, whole } from "../figures.ts";
import { html, type Markup } from "../markup.ts";
import { networkColours } from "../plots/figure.ts";
import { swatch, tableOf } from "./parts.ts";

/** What became of a share of the images. */
interface Outcome {
  readonly title: string;
  readonly images: number;
  readonly colour: string;
  readonly faded?: boolean;
}

/** Who answered what. */
export function answers(result: BenchResult): Markup {
  const outcomes = outcomesOf(result);
  const total = outcomes.reduce((sum, { images }) => sum + images, 0);
  const entry = ({ title, images, colour, faded }: Outcome): Markup =>
    html`<li><span class="${faded ? "faded" : ""}">${swatch(colour)}</span>${title}: ${whole(images)} (${percent(images / total)})</li>`;
  return html`<section>
<h2>Who answered what</h2>
<div class="bar">${outcomes.filter(({ images }) => images > 0).map(part)}</div>
<ul class="legend">${outcomes.map(entry)}</ul>
${tableOf(answeredTable(result))}
${pictures(result.escalatedImages)}
</section>`;
}

const part = ({ images, colour, faded, title }: Outcome): Markup =>
  html`<span class="${faded ? "faded" : ""}" style="flex: ${images}; --colour: ${colour}" title="${title}"></span>`;

function outcomesOf({ outcomes: { kept, escalated } }: BenchResult): Outcome[] {
  return [
    { title: "kept, the original agrees", images: kept.same, colour: networkColours.compressed },
    { title: "kept, the original disagrees", images: kept.different, colour: "var(--changed)" },
    { title: "escalated, the answer changed", images: escalated.different, colour: "var(--twin)" },
    { title: "escalated in vain", images: escalated.same, colour: "var(--twin)", faded: true },
  ];
}

function answeredTable({ answeredBy, images }: BenchResult): Table {
  const labelled = answeredBy.some(({ accuracy }) => accuracy !== undefined);
  return {
    headings: ["answered by", "images", "share", "agreement", ...(labelled ? ["accuracy"] : [])],
    rows: answeredBy.map(({ network, images: own, agreement, accuracy }) => [
      network,
      whole(own),
      percent(own / images),
      percent(agreement, 2),
      ...(labelled ? [accuracy === undefined ? "" : percent(accuracy, 2)] : []),
    ]),
  };
}

function pictures(images: readonly EscalatedImage[]): Markup | undefined {
  if (images.length === 0) return undefined;
  return html`<h3>Escalated images whose answer changed</h3>
<p class="note">First the compressed network's answer and how probable it called it, then the original's.</p>
<ul class="pictures">${images.map(picture)}</ul>`;
}

const verdict = (network: "compressed" | "original", answer: EscalatedImage["original"]): Markup =>
  html`${swatch(networkColours[network])}${answer.label} <span class="soft">${percent(answer.probability, 0)}</span>`;

function picture({ name, picture, confidence, label, compressed, original }: EscalatedImage): Markup {
  return html`<li><img src="${picture}" alt="${name}">
<div>${verdict("compressed", compressed)}<br>${verdict("original", original)}
<br><small>confidence ${significant(confidence)}<br>${label === undefined ? undefined : html`label ${label}<br>`}${name}</small></div></li>`;
}
