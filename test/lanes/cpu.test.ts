import { laneSuite } from "./suite.ts";

laneSuite({ kind: "cpu", isolation: "thread", tolerance: 1e-5 });
laneSuite({ kind: "cpu", isolation: "process", tolerance: 1e-5 });
