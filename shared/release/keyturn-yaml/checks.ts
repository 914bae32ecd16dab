/** The checks of a `keyturn.yaml`: each list item is one kind with its parameters. */
import { z } from 'zod';
import { canonicalText, type Json } from '../../canonical-json.ts';
import { messageOf } from '../../errors.ts';
import type { AnyCheckKind } from '../../ledger/check-kind.ts';
import { CHECK_ID_PATTERN, type Plan, type PlanCheck } from '../plan.ts';
import { nearest } from './nearest.ts';
import { type PlanProblem, problemAt, problemsOf } from './problems.ts';
import type { KeyturnYaml } from './schema.ts';

export interface ReadGates {
  readonly gates: Plan['gates'];
  readonly problems: readonly PlanProblem[];
}

/** G5 and G6 first, then the project's own gates as they stand in the file. */
export function readGates(written: KeyturnYaml['gates'], kinds: ReadonlyMap<string, AnyCheckKind>): ReadGates {
  const problems: PlanProblem[] = [];
  const ids = new IdRegister(writtenIds(written));
  const names = Object.keys(written ?? {});
  const ordered = [
    ...['G5', 'G6'].filter((gate) => names.includes(gate)),
    ...names.filter((gate) => gate !== 'G5' && gate !== 'G6'),
  ];
  const gates = ordered.map((gate) => ({
    gate,
    checks: (written?.[gate] ?? []).flatMap((item, index) => {
      const read = readCheck(item, { at: ['gates', gate, index], kinds, ids });
      problems.push(...read.problems);
      return read.check ? [read.check] : [];
    }),
  }));
  return { gates, problems };
}

const ownSchema = z.object({
  id: z.string().regex(CHECK_ID_PATTERN, 'lower-case letters, digits and "-"').optional(),
  timeoutMs: z
    .int()
    .min(1)
    .max(24 * 3600 * 1000)
    .optional(),
});

interface CheckPlace {
  readonly at: readonly PropertyKey[];
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  readonly ids: IdRegister;
}

interface ReadCheck {
  readonly check?: PlanCheck;
  readonly problems: readonly PlanProblem[];
}

function readCheck(item: Readonly<Record<string, unknown>>, { at, kinds, ids }: CheckPlace): ReadCheck {
  const [name, ...others] = Object.keys(item);
  if (name === undefined || others.length > 0) {
    return { problems: [problemAt(at, item, 'one check kind with its parameters, such as - exec: { argv: [...] }')] };
  }
  const kind = kinds.get(name);
  if (!kind) return { problems: [problemAt(at, name, knownKinds(name, kinds))] };
  const place = [...at, name];
  const value = item[name] ?? {};
  if (typeof value !== 'object' || Array.isArray(value))
    return { problems: [problemAt(place, value, 'a map of parameters')] };
  const { id, timeoutMs, ...rest } = value as Record<string, unknown>;
  const own = ownSchema.safeParse({ id, timeoutMs });
  const params = kind.params.safeParse(rest);
  const problems = [
    ...(own.success ? [] : problemsOf(own.error, { schema: ownSchema, value: { id, timeoutMs }, at: place })),
    ...(params.success
      ? numberProblems(params.data, place)
      : problemsOf(params.error, { schema: withOwnKeys(kind), value: rest, at: place })),
  ];
  if (!own.success || !params.success || problems.length > 0) return { problems };
  const taken = ids.take(own.data.id, name);
  if (taken === undefined)
    return { problems: [problemAt([...place, 'id'], own.data.id, 'an id that no other check has')] };
  return {
    check: {
      id: taken,
      kind: name,
      params: withoutUndefined(params.data),
      timeoutMs: own.data.timeoutMs ?? kind.timeoutMs,
    },
    problems: [],
  };
}

/** Only for finding near keys: `id` and `timeoutMs` may be meant as well. */
function withOwnKeys(kind: AnyCheckKind): z.ZodType {
  return z.union([kind.params, ownSchema]);
}

function knownKinds(name: string, kinds: ReadonlyMap<string, AnyCheckKind>): string {
  const known = [...kinds.keys()].sort();
  const near = nearest(name, known);
  return `one of ${known.join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

/** A plan is canonical JSON: whole numbers only. */
function numberProblems(params: unknown, place: readonly PropertyKey[]): PlanProblem[] {
  try {
    canonicalText(params);
    return [];
  } catch (error) {
    return [problemAt(place, params, messageOf(error))];
  }
}

function withoutUndefined(params: unknown): Record<string, z.core.util.JSONType> {
  return JSON.parse(canonicalText(params as Json)) as Record<string, z.core.util.JSONType>;
}

function writtenIds(gates: KeyturnYaml['gates']): Set<string> {
  const items = Object.values(gates ?? {}).flat();
  const ids = items.flatMap((item) => Object.values(item).map((params) => (params as { id?: unknown } | null)?.id));
  return new Set(ids.filter((id) => typeof id === 'string'));
}

/** Gives each check an id: the one it asks for, or its kind, with `-2` and so on behind it. */
class IdRegister {
  readonly #taken = new Set<string>();
  readonly #written: ReadonlySet<string>;

  constructor(written: ReadonlySet<string>) {
    this.#written = written;
  }

  /** Undefined when the id that is asked for is another check's. */
  take(asked: string | undefined, kind: string): string | undefined {
    const id = asked ?? this.#free(kind);
    if (this.#taken.has(id)) return undefined;
    this.#taken.add(id);
    return id;
  }

  #free(kind: string): string {
    for (let count = 1; ; count += 1) {
      const id = count === 1 ? kind : `${kind}-${count}`;
      if (!this.#taken.has(id) && !this.#written.has(id)) return id;
    }
  }
}
