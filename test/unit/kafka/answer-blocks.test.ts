/** Memory for large answers: used again when given back, never by two at once, let go of when the backlog is over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerBlocks } from "../../../src/log/kafka/answer-blocks.ts";

const MB = 1024 * 1024;

test("a block that was given back serves the next answer that fits", () => {
  const blocks = new AnswerBlocks();
  const first = blocks.take(8 * MB);
  assert.ok(first.length >= 8 * MB);
  blocks.giveBack(first);
  assert.equal(blocks.take(7 * MB), first);
});

test("a block in use is not given to anyone else", () => {
  const blocks = new AnswerBlocks();
  const first = blocks.take(8 * MB);
  blocks.giveBack(first);
  assert.equal(blocks.take(8 * MB), first);
  assert.notEqual(blocks.take(8 * MB), first);
});

test("a larger answer gets a block of its own", () => {
  const blocks = new AnswerBlocks();
  const small = blocks.take(2 * MB);
  blocks.giveBack(small);
  assert.ok(blocks.take(9 * MB).length >= 9 * MB);
  assert.equal(blocks.take(2 * MB), small);
});

test("a small answer ends the backlog: what was kept is let go of, and small blocks are not kept", () => {
  const blocks = new AnswerBlocks();
  const large = blocks.take(8 * MB);
  blocks.giveBack(large);
  const small = blocks.take(1_000);
  assert.equal(small.length, 1_000);
  assert.notEqual(blocks.take(8 * MB), large);
  blocks.giveBack(small);
  assert.notEqual(blocks.take(1_000), small);
});

test("no more than two are kept", () => {
  const blocks = new AnswerBlocks();
  const taken = [blocks.take(2 * MB), blocks.take(2 * MB), blocks.take(2 * MB)];
  for (const block of taken) blocks.giveBack(block);
  const again = [blocks.take(2 * MB), blocks.take(2 * MB), blocks.take(2 * MB)];
  assert.deepEqual(
    again.map((block) => taken.indexOf(block)),
    [1, 2, -1],
  );
});
