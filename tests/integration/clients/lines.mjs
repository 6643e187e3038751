// One line of JSON in, one line of JSON out; integers of any size are written in decimal.
import { readFileSync } from "node:fs";

export const input = () => JSON.parse(readFileSync(0, "utf8"));

export const print = (seen) =>
  console.log(JSON.stringify(seen, (_, value) => (typeof value === "bigint" ? value.toString() : value)));
