// One line of JSON in, one line of JSON out; integers of any size are written in decimal.
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export const input = () => JSON.parse(readFileSync(0, "utf8"));

export const print = (seen) =>
  console.log(JSON.stringify(seen, (_, value) => (typeof value === "bigint" ? value.toString() : value)));

// The heads that were told up to a number, once that one was: events may come before their block's head.
export const upTo = async (number, heads) => {
  while (!heads.includes(number)) await setTimeout(20);
  return heads.filter((each) => each <= number);
};
