/**
 * Which classifiers each recipe takes: every torchvision family by both of PyTorch's exporters, every family of
 * keras.applications by tf2onnx, all with random weights, and any other ONNX files in the folder. Makes its own Python
 * environments there, and writes docs/coverage.md.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/peers/coverage.js --folder FOLDER [--out docs/coverage.md] [--resume]
 *
 * Every verdict is stored in FOLDER at once; `--resume` takes those that an interrupted run left there.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ImageBatch, quantizeModel } from "../../src/compress/index.ts";
import { channelGroups, simplify } from "../../src/compress/surgery/index.ts";
import { checkModel, classifierOf, freeBatch, type Model, readModel } from "../../src/onnx/index.ts";
import { toolVersion } from "../../src/version.ts";
import { pythonWith } from "./python.ts";

/** The exporters, each with an environment of its own: PyTorch and TensorFlow need not agree on versions. */
const exporters = [
  { script: "coverage.py", packages: ["torch==2.15.0", "torchvision==0.29.2", "onnx==1.23.2", "onnxscript==0.7.2"] },
  {
    script: "coverage-keras.py",
    packages: ["tensorflow-cpu==2.21.0", "keras==3.15.1", "tf2onnx==1.17.0", "onnx==1.23.2"],
  },
] as const;

/** A recipe's answer to one model. */
interface Verdict {
  readonly accepted: boolean;
  /** How much of it, or why not. */
  readonly detail: string;
}

const recipes: Readonly<Record<string, (model: Model) => Promise<Verdict>>> = { student, int8, slim };

/** Verdicts by model, in the order of the recipes; one alone where there is no model. */
type Verdicts = Record<string, readonly Verdict[]>;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: "string" },
      out: { type: "string", default: join("docs", "coverage.md") },
      resume: { type: "boolean", default: false },
    },
  });
  const { folder, out, resume } = values;
  if (folder === undefined) throw new Error("--folder is missing: where the exported models go");
  exportModels(folder);
  const store = join(folder, "verdicts.json");
  const verdicts: Verdicts = resume && existsSync(store) ? JSON.parse(readFileSync(store, "utf8")) : {};
  for (const file of readdirSync(folder)
    .filter((name) => /\.(onnx|failed)$/.test(name))
    .sort()) {
    const name = file.replace(/\.(onnx|failed)$/, "");
    verdicts[name] ??= await verdictsOn(join(folder, file));
    writeFileSync(store, JSON.stringify(verdicts, null, 1));
    console.log(name, verdicts[name].map(({ accepted }) => (accepted ? "yes" : "no")).join(" "));
  }
  writeFileSync(out, page(Object.entries(verdicts)));
}

function exportModels(folder: string): void {
  for (const { script, packages } of exporters) {
    const home = join(folder, script.replace(".py", ""));
    mkdirSync(home, { recursive: true });
    execFileSync(pythonWith(packages, home), [join("bench", "peers", script), folder], { stdio: "inherit" });
  }
}

async function verdictsOn(path: string): Promise<Verdict[]> {
  if (path.endsWith(".failed")) return [{ accepted: false, detail: `not exported: ${readFileSync(path, "utf8")}` }];
  const verdicts: Verdict[] = [];
  for (const recipe of Object.values(recipes)) verdicts.push(await verdictOf(recipe, path));
  return verdicts;
}

async function verdictOf(recipe: (model: Model) => Promise<Verdict>, path: string): Promise<Verdict> {
  try {
    const model = readModel(path);
    checkModel(model);
    return await recipe(model);
  } catch (error) {
    return { accepted: false, detail: error instanceof Error ? error.message.split("\n")[0]! : String(error) };
  }
}

/** The student is a new network: its teacher need only run. */
async function student(model: Model): Promise<Verdict> {
  classifierOf(model);
  const batch = await freeBatch(model);
  return { accepted: true, detail: batch.freed ? "any batch" : `batch of ${batch.batch}: ${batch.reason}` };
}

async function int8(model: Model): Promise<Verdict> {
  const { report } = await quantizeModel(model, noise(model));
  const inInt8 = report.nodes.filter(({ precision }) => precision === "int8").length;
  const detail = `${inInt8} of ${report.nodes.length} nodes`;
  return { accepted: inInt8 > 0, detail: inInt8 > 0 ? detail : `${detail}: ${report.nodes[0]?.reason}` };
}

async function slim(model: Model): Promise<Verdict> {
  const groups = channelGroups(await simplify(model));
  const units = (chosen: typeof groups): number => chosen.reduce((sum, { size }) => sum + size, 0);
  const open = groups.filter(({ frozen }) => frozen === undefined);
  const frozen = groups.find((group) => group.frozen !== undefined && group.producers.length > 0)?.frozen;
  const share = `${units(open)} of ${units(groups)} channels in ${open.length} groups`;
  return { accepted: open.length > 0, detail: open.length > 0 ? share : `${share}: ${frozen}` };
}

/** As few images of noise as quantising takes, as the model reads them. */
async function* noise(model: Model): AsyncGenerator<ImageBatch> {
  const { input } = classifierOf(model);
  const size = input.channels * (input.height ?? 224) * (input.width ?? 224);
  for (let image = 0; image < 8; image++) {
    yield { count: 1, data: Float32Array.from({ length: size }, (_, i) => 2 * Math.sin(1000 * image + 1.7 * i * i)) };
  }
}

function page(rows: readonly (readonly [name: string, verdicts: readonly Verdict[]])[]): string {
  const names = Object.keys(recipes);
  const accepted = names.map((_, i) => rows.filter(([, verdicts]) => verdicts[i]?.accepted).length);
  const cell = (verdict: Verdict | undefined): string =>
    verdict === undefined ? "" : `${verdict.accepted ? "yes" : "**no**"}, ${verdict.detail.replaceAll("|", "\\|")}`;
  return [
    "# Which classifiers each recipe takes",
    "",
    `Random weights, twindnn ${toolVersion}, made by \`bench/peers/coverage.ts\`. A name ends in its exporter: PyTorch's \`torchscript\` and \`dynamo\`, or`,
    "`keras`: TensorFlow by tf2onnx. A count is what the recipe can work on: nodes in int8, channels that may go.",
    "",
    ...names.map((name, i) => `- \`${name}\`: ${accepted[i]} of ${rows.length}`),
    "",
    `| model | ${names.join(" | ")} |`,
    `| --- | ${names.map(() => "---").join(" | ")} |`,
    ...rows.map(([name, verdicts]) => `| ${name} | ${names.map((_, i) => cell(verdicts[i])).join(" | ")} |`),
    "",
  ].join("\n");
}

await main();
