/**
 * Which classifiers each recipe takes: every torchvision family by both of PyTorch's exporters, the families of
 * keras.applications by tf2onnx, all with random weights. Makes its own Python environments in the folder, and writes
 * docs/coverage.md.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/peers/coverage.js --folder FOLDER [--out docs/coverage.md] [--resume]
 *
 * Verdicts are stored in FOLDER as they come, and the page is written anew; `--resume` takes those that an interrupted run
 * left there.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { UsageError } from "../../src/errors.ts";
import { type CoverageRow, coveragePage, type RecipeName, type RecipeVerdict, recipeNames } from "./coverage-page.ts";
import { pythonWith } from "./python.ts";

/** The exporters, each with an environment of its own: PyTorch and TensorFlow need not agree on versions. */
const exporters = [
  { script: "coverage.py", packages: ["torch==2.15.0", "torchvision==0.29.2", "onnx==1.23.2", "onnxscript==0.7.2"] },
  {
    script: "coverage-keras.py",
    packages: ["tensorflow-cpu==2.21.0", "keras==3.15.1", "tf2onnx==1.17.0", "onnx==1.23.2"],
  },
] as const;

/** Milliseconds after which a model's checks are given up. */
const checkLimit = 600_000;

/** Verdicts by model. */
type Verdicts = Record<string, readonly RecipeVerdict[]>;

const { values: options } = parseArgs({
  options: {
    folder: { type: "string" },
    out: { type: "string", default: join("docs", "coverage.md") },
    resume: { type: "boolean", default: false },
  },
});
const { folder, out, resume } = options;
if (folder === undefined) throw new UsageError("--folder is missing: where the exported models go");
const home = folder;
mkdirSync(home, { recursive: true });
const store = join(home, "verdicts.json");
const verdictsOf: Verdicts = resume && existsSync(store) ? JSON.parse(readFileSync(store, "utf8")) : {};
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
await Promise.all(exporters.map(cover));

/** Tries the models of one exporter as they come. */
async function cover({ script, packages }: (typeof exporters)[number]): Promise<void> {
  for await (const name of exportedModels(script, packages)) {
    const path = join(home, `${name}.onnx`);
    if (existsSync(path)) verdictsOf[name] = await verdictsOn(path, verdictsOf[name] ?? []);
    writeFileSync(store, JSON.stringify(verdictsOf, null, 1));
    writeFileSync(out, coveragePage(rows(), commit));
    console.log(name, (verdictsOf[name] ?? []).map(({ accepted }) => (accepted ? "yes" : "no")).join(" "));
  }
}

/** Names of the models, each when its file is there, or the exporter has failed. */
function exportedModels(script: string, packages: readonly string[]): AsyncIterable<string> {
  const python = pythonWith(packages, join(home, script.replace(".py", "")));
  const { stdout } = spawn(python, [join("bench", "peers", script), home], { stdio: ["ignore", "pipe", "inherit"] });
  return createInterface({ input: stdout });
}

/** Known verdicts and those still missing, in a process of its own: no model's end is that of the run. */
async function verdictsOn(path: string, known: readonly RecipeVerdict[]): Promise<RecipeVerdict[]> {
  const missing = recipeNames.filter((recipe) => !known.some((verdict) => verdict.recipe === recipe));
  const verdicts = [...known, ...(missing.length > 0 ? await check(path, missing) : [])];
  return recipeNames.flatMap((recipe) => verdicts.find((verdict) => verdict.recipe === recipe) ?? []);
}

/** A recipe that the time limit left out is not judged. */
async function check(path: string, recipes: readonly RecipeName[]): Promise<RecipeVerdict[]> {
  const script = fileURLToPath(new URL("coverage-check.js", import.meta.url));
  const options = { timeout: checkLimit, killSignal: "SIGKILL" } as const;
  const { stdout, end } = await promisify(execFile)(process.execPath, [script, path, ...recipes], options).then(
    ({ stdout }) => ({ stdout, end: undefined }),
    (error: Ended) => ({ stdout: error.stdout, end: error }),
  );
  const said: RecipeVerdict[] = stdout.split("\n").flatMap((line) => (line === "" ? [] : JSON.parse(line)));
  if (end === undefined || end.killed) return said;
  const detail = `the check ended early (${end.signal ?? `exit code ${end.code}`})`;
  return recipes.map(
    (recipe) => said.find((verdict) => verdict.recipe === recipe) ?? { recipe, accepted: false, detail },
  );
}

/** How a process went wrong. */
interface Ended {
  readonly stdout: string;
  /** By the time limit. */
  readonly killed: boolean;
  readonly signal?: string | null;
  readonly code?: number;
}

/** All that are to be exported, whether they have been or not. */
function rows(): CoverageRow[] {
  const lists = readdirSync(home).filter((file) => file.endsWith(".names"));
  const names = lists.flatMap((file) => readFileSync(join(home, file), "utf8").split("\n"));
  return names.map((name) => {
    const failed = join(home, `${name}.failed`);
    const verdicts = verdictsOf[name] ?? [];
    return existsSync(failed) ? { name, verdicts, failed: readFileSync(failed, "utf8") } : { name, verdicts };
  });
}
