import type { SystemName } from "../../bench/types.ts";
import type { Table } from "../comparison.ts";
import { html, type Markup, trusted } from "../markup.ts";

// The building blocks of the page.

export interface FigureLook {
  readonly title?: string;
  /** The same plot for phones. */
  readonly narrow?: string;
  /** Phones show it at its size, to be moved sideways. */
  readonly scroll?: boolean;
}

/** A plot with the sentence that says how to read it. */
export function figureOf(svg: string, caption: string, { title, narrow, scroll = false }: FigureLook = {}): Markup {
  const heading = title === undefined ? undefined : html`<h3>${title}</h3>`;
  return html`<figure>${heading}${variants(svg, narrow, scroll)}<figcaption>${caption}</figcaption></figure>`;
}

function variants(svg: string, narrow: string | undefined, scroll: boolean): Markup {
  if (narrow !== undefined)
    return html`<div class="desk">${trusted(svg)}</div><div class="phone">${trusted(narrow)}</div>`;
  return scroll ? html`<div class="scroll">${trusted(svg)}</div>` : trusted(svg);
}

/** Names with their colours. */
export function legend(entries: readonly (readonly [title: string, colour: string])[]): Markup {
  return html`<ul class="legend">${entries.map(([title, colour]) => html`<li>${swatch(colour)}${title}</li>`)}</ul>`;
}

export const swatch = (colour: string): Markup => html`<span class="swatch" style="--colour: ${colour}"></span>`;

/** A row's name, colour and whether it is stressed. */
export interface RowLook {
  readonly name: SystemName;
  readonly colour: string;
}

/** A table; `looks` has an entry a row. */
export function tableOf({ headings, rows }: Table, looks: readonly RowLook[] = []): Markup {
  const row = ([name, ...figures]: readonly string[], place: number): Markup => {
    const look = looks[place];
    const dot = look === undefined ? undefined : swatch(look.colour);
    return html`<tr class="${look?.name}"><th scope="row">${dot}${name}</th>${figures.map((figure) => html`<td>${figure}</td>`)}</tr>`;
  };
  const head = headings.map((heading) => html`<th scope="col">${heading}</th>`);
  return html`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.map(row)}</tbody></table></div>`;
}

/** What is so, and how much: large. */
export interface Fact {
  readonly name: string;
  readonly figure: string;
  readonly detail: string;
}

export function factsOf(facts: readonly Fact[]): Markup {
  const fact = ({ name, figure, detail }: Fact): Markup =>
    html`<div><dt>${name}</dt><dd>${figure}</dd><dd class="small">${detail}</dd></div>`;
  return html`<dl class="facts">${facts.map(fact)}</dl>`;
}

/** Terms and what they stand for; those without a value are left out. */
export function termsOf(terms: readonly (readonly [term: string, value: string | Markup | undefined])[]): Markup {
  const known = terms.filter(([, value]) => value !== undefined);
  return html`<dl class="about">${known.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`;
}
