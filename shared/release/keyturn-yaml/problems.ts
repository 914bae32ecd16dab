/** From what zod says about a value to what a person needs: where, what stands there, and what was expected. */
import type { z } from 'zod';
import { RejectedError } from '../../errors.ts';
import { nearest } from './nearest.ts';
import { keysAt } from './schema-keys.ts';

export interface PlanProblem {
  /** Such as `gates.G5[0].exec.argv`. */
  readonly path: string;
  /** The offending value as JSON, cut; undefined where nothing stands. */
  readonly got: string | undefined;
  readonly expected: string;
}

/** All problems of one `keyturn.yaml`, in its order. */
export class KeyturnYamlRefused extends RejectedError {
  override readonly name: string = 'KeyturnYamlRefused';
  readonly problems: readonly PlanProblem[];
  constructor(problems: readonly PlanProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const lines = problems.map((problem) => `\n  ${problemText(problem)}`);
    super('keyturn-yaml-malformed', `failed to read keyturn.yaml: ${count}${lines.join('')}`, {
      hint: 'correct each of these lines, commit, and build again',
    });
    this.problems = problems;
  }
}

export function problemText({ path, got, expected }: PlanProblem): string {
  return `${path === '' ? 'keyturn.yaml' : path}: ${got === undefined ? '' : `got ${got}, `}expected ${expected}`;
}

export interface Checked {
  readonly schema: z.ZodType;
  readonly value: unknown;
  /** Where the value stands in the document. */
  readonly at: readonly PropertyKey[];
}

export function problemsOf(error: z.ZodError, checked: Checked): PlanProblem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, checked));
}

export function problemAt(path: readonly PropertyKey[], value: unknown, expected: string): PlanProblem {
  return { path: pathText(path), got: valueText(value), expected };
}

function problemsOfIssue(issue: z.core.$ZodIssue, checked: Checked): PlanProblem[] {
  const value = valueAt(checked.value, issue.path);
  const path = [...checked.at, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, { path, known: keysAt(checked.schema, issue.path) }));
    case 'invalid_union':
      return problemsOfUnion(issue, checked);
    case 'invalid_key':
      return [{ ...problemAt(path, issue.path.at(-1), 'a name of lower-case letters, digits, "-" and "_"') }];
    case 'invalid_type':
      return [problemAt(path, value, typeText(issue.expected, value))];
    case 'invalid_value':
      return [problemAt(path, value, issue.values.map(String).join(' or '))];
    default:
      return [problemAt(path, value, ruleText(issue.message))];
  }
}

/** Speaks of the variant that the value comes nearest to: one whose problems lie deeper than its outermost shape. */
function problemsOfUnion(issue: z.core.$ZodIssueInvalidUnion, checked: Checked): PlanProblem[] {
  const variants = issue.errors.map((issues) =>
    issues.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
  );
  const near = variants.find((issues) =>
    issues.every((inner) => inner.code !== 'invalid_type' || inner.path.length > issue.path.length),
  );
  if (near) return near.flatMap((inner) => problemsOfIssue(inner, checked));
  const value = valueAt(checked.value, issue.path);
  const shapes = variants.flatMap((issues) =>
    issues.map((inner) => (inner.code === 'invalid_type' ? typeText(inner.expected, value) : '')),
  );
  return [problemAt([...checked.at, ...issue.path], value, [...new Set(shapes)].filter(Boolean).join(' or '))];
}

function unknownKey(
  key: string,
  { path, known }: { path: readonly PropertyKey[]; known: readonly string[] },
): PlanProblem {
  const near = nearest(key, known);
  const expected = near === undefined ? `one of ${known.join(', ')}` : `a known key; did you mean "${near}"?`;
  return {
    path: pathText([...path, key]),
    got: 'an unknown key',
    expected: known.length === 0 ? 'no such key' : expected,
  };
}

function typeText(expected: string, value: unknown): string {
  if (expected === 'array' && typeof value === 'string') {
    return `a list, not a shell string: write [${value.trim().split(/\s+/).slice(0, 8).join(', ')}]`;
  }
  const names: Record<string, string> = {
    array: 'a list',
    object: 'a map',
    record: 'a map',
    string: value === undefined ? 'text' : 'text (quote it if it looks like a number)',
    int: 'a whole number',
    number: 'a whole number',
    boolean: 'true or false',
  };
  return names[expected] ?? expected;
}

/** zod's sentences without their capital; the value that was got stands before it already. */
function ruleText(message: string): string {
  const rule = message.replace(/^Invalid (input|string|number|array|record): ?/, '').replace(/^expected /, '');
  return rule.charAt(0).toLowerCase() + rule.slice(1);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function valueText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('');
}
