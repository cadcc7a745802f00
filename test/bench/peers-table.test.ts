import { expect, it } from "vitest";
import { tableOf } from "../../bench/table.ts";

it("takes speed-ups within a round and leaves out what a system has not", () => {
  const results = [
    { name: "original", accuracy: 0.9 },
    { name: "rival", accuracy: 0.885, alone: 0.8, escalationRate: 0.25, recovery: 0.85 },
  ];
  const seconds = new Map([
    ["original", [4, 8, 6]],
    ["rival", [2, 2, 1]],
  ]);
  const [, , original, rival] = tableOf(results, seconds).split("\n");
  expect(original).toBe("| original | 90.00 % |  |  |  | 1.00× | 1.00 to 1.00 |");
  expect(rival).toBe("| rival | 88.50 % | 80.00 % | 25.00 % | 85.00 % | 4.00× | 2.00 to 6.00 |");
});
