import type { BenchResult, SystemResult } from "../../bench/types.ts";
import { systemsOf, type Table } from "../comparison.ts";
import { metric, systemTitles, whole } from "../figures.ts";
import { html, type Markup } from "../markup.ts";
import { tableOf, termsOf } from "./parts.ts";

/** Networks, settings, machine: what it takes to measure the same again. */
export function about(result: BenchResult): Markup {
  const { twin, command, started, split, images } = result;
  return html`<section>
<h2>How it was measured</h2>
${tableOf(networksTable(result))}
${termsOf([
  ["command", html`<code>${command}</code>`],
  ["date", `${started.slice(0, 10)}, ${started.slice(11, 16)} UTC`],
  ["machine", machineSaid(result)],
  ["software", softwareSaid(result)],
  ["images", `${whole(images)}: ${split.source}`],
  ["compressed by", twin.recipe],
  ["threshold", twin.threshold === undefined ? "none" : `${twin.confidence} ${twin.threshold.toPrecision(5)}`],
  ...systemsOf(result).map(({ name, system }) => [systemTitles[name], planSaid(system)] as const),
])}
</section>`;
}

const machineSaid = ({ machine: { cpu, cores, cpuClass, memoryMiB } }: BenchResult): string =>
  `${cpu} (${cpuClass}), ${cores} ${cores === 1 ? "core" : "cores"}, ${whole(memoryMiB)} MiB`;

const softwareSaid = ({ machine: { twindnn, onnxRuntime, node, system } }: BenchResult): string =>
  `twindnn ${twindnn}, ONNX Runtime ${onnxRuntime}, Node.js ${node}, ${system}`;

function networksTable({ twin: { networks } }: BenchResult): Table {
  const rows = Object.entries(networks).flatMap(([name, network]) =>
    network === undefined
      ? []
      : [[name, metric(network.macs), metric(network.parameters), `${metric(network.bytes)}B`]],
  );
  return { headings: ["network", "multiply-adds", "parameters", "file"], rows };
}

/** A plan in words: its lanes, then its batches. */
function planSaid({ plans: { throughput } }: SystemResult): string {
  const lanes = throughput.lanes.map(({ kind, networks, threads }) => `${kind} × ${threads}: ${networks.join(", ")}`);
  const same = new Set(lanes).size === 1 && lanes.length > 1 ? [`${lanes.length} lanes, each ${lanes[0]}`] : lanes;
  const batches = Object.entries(throughput.batch).map(([network, batch]) => `${batch} (${network})`);
  return `${same.join("; ")}; batches of ${batches.join(", ")}`;
}
