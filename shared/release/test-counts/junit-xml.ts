/**
 * JUnit XML, the format that most runners can write. Only as much XML as such a report needs: elements, attributes,
 * text, CDATA and comments. A document type is refused, so there are no entities to expand.
 */
import { completeCounts, type TestCounts } from './counts.ts';

const TAG =
  /<(?:!--[\s\S]*?-->|!\[CDATA\[[\s\S]*?\]\]>|\?[\s\S]*?\?>|(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>)/y;

const ATTRIBUTE = /\s([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** An element that is not closed yet. */
interface OpenElement {
  readonly name: string;
  /** How many test cases it says that it has, in its attribute `tests`. */
  readonly claimed: number | undefined;
  /** How many of them it says are broken; runners differ in whether a failed test is a failure or an error. */
  readonly claimedBroken: number;
  /** Test cases directly in it, and in all below it: runners differ in which they claim. */
  readonly cases: { direct: number; all: number; broken: number };
}

interface Tally {
  ran: number;
  failed: number;
  errors: number;
  skipped: number;
}

/**
 * Counts the test cases themselves; where a suite claims another number of them, or more broken ones than there are,
 * nothing is said.
 */
export function readJunitXml(stdout: string): TestCounts | undefined {
  const text = stdout.trim();
  if (!text.startsWith('<') || text.includes('<!DOCTYPE') || text.includes('<!ENTITY')) return undefined;
  const tally: Tally = { ran: 0, failed: 0, errors: 0, skipped: 0 };
  const open: OpenElement[] = [];
  let roots = 0;
  for (const tag of tags(text)) {
    if (tag === undefined) return undefined;
    if (!tag.closes) {
      if (open.length === 0) roots += isRoot(tag) ? 1 : 2;
      count(tag.name, { open, tally });
      open.push(opened(tag));
    }
    if ((tag.closes || tag.isEmpty) && !close(open, tag.name)) return undefined;
  }
  return open.length > 0 || roots !== 1 ? undefined : completeCounts('junit-xml', tally);
}

function isRoot({ name }: Tag): boolean {
  return name === 'testsuites' || name === 'testsuite';
}

function opened({ name, attributes }: Tag): OpenElement {
  const [failures = 0, errors = 0] = ['failures', 'errors'].map((claim) => numberIn(attributes, claim));
  const cases = { direct: 0, all: 0, broken: 0 };
  return { name, claimed: numberIn(attributes, 'tests'), claimedBroken: failures + errors, cases };
}

function count(name: string, { open, tally }: { open: readonly OpenElement[]; tally: Tally }): void {
  const parent = open.at(-1);
  if (name === 'testcase') {
    tally.ran += 1;
    if (parent) parent.cases.direct += 1;
  }
  if (parent?.name !== 'testcase') return;
  if (name === 'failure') tally.failed += 1;
  if (name === 'error') tally.errors += 1;
  if (name === 'failure' || name === 'error') parent.cases.broken += 1;
  if (name === 'skipped') tally.skipped += 1;
}

/** Closes the innermost element, whose counts become its parent's; false where it is another one or not as it claims. */
function close(open: OpenElement[], name: string): boolean {
  const element = open.pop();
  if (element?.name !== name) return false;
  const { claimed, claimedBroken, cases } = element;
  const parent = open.at(-1);
  if (parent) {
    parent.cases.all += cases.all + (name === 'testcase' ? 1 : 0);
    parent.cases.broken += cases.broken;
  }
  const isCountRight = claimed === undefined || claimed === cases.all || claimed === cases.direct;
  return isCountRight && claimedBroken <= cases.broken;
}

interface Tag {
  readonly name: string;
  readonly attributes: string;
  readonly closes: boolean;
  readonly isEmpty: boolean;
}

/** Yields undefined, and ends, at the first `<` that begins nothing known. */
function* tags(text: string): Iterable<Tag | undefined> {
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', TAG.lastIndex)) {
    TAG.lastIndex = at;
    const found = TAG.exec(text);
    if (!found) return yield undefined;
    const [, slash, name, attributes = '', empty] = found;
    const end = TAG.lastIndex;
    if (name !== undefined) yield { name, attributes, closes: slash === '/', isEmpty: empty === '/' };
    TAG.lastIndex = end;
  }
}

function numberIn(attributes: string, name: string): number | undefined {
  for (const [, key, double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? '';
    if (key === name) return /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  }
  return undefined;
}
