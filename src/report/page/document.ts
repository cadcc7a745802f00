import { html, type Markup, trusted } from "../markup.ts";
import { style } from "./style.ts";

/** What a page is about. */
export interface Heading {
  readonly name: string;
  /** The command that made it. */
  readonly tool: string;
  readonly date?: string;
  /** What comes first below the name. */
  readonly lead: Markup;
}

/** A whole HTML file that opens without a network. */
export function documentOf({ name, tool, date, lead }: Heading, body: Markup | undefined): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}: ${tool}</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
<header>
<p class="kind">${date === undefined ? tool : `${tool}, ${date}`}</p>
<h1>${name}</h1>
${lead}
</header>
${body}
</main>
</body>
</html>
`;
  return page.text;
}
