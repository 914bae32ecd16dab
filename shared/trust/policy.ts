/**
 * `policy.json`: who may approve what, and what a host demands before it runs anything. People edit it, the targets role
 * signs it, every host reads it.
 *
 * The first rule whose labels all match a host is the host's rule. A rule that an earlier one hides is refused, so that
 * the order of the file cannot weaken it unseen. A host without a rule can be enabled by nobody.
 */
import { z } from 'zod';
import { hasPrototypeMember } from '../canonical-json.ts';
import { messageOf, RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type ApproverKey, parseApproverKey } from './approver-key.ts';
import { decodeJsonObject } from './strict-json.ts';
import { POLICY_PATH } from './tuf-metadata.ts';
import { type NoteKey, parseVerifierKey } from './verifier-key.ts';

export { POLICY_PATH };

const DAY_MS = 24 * 60 * 60 * 1000;
const YEAR_MS = 365 * DAY_MS;

const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a name of a-z, 0-9 and -');
const label = z.string().min(1).max(128);
const durationMs = z.int().min(1).max(YEAR_MS);

const approver = z.strictObject({
  /** Must equal the digest of the key's TUF object. */
  keyId: z.string(),
  /** SPKI PEM, or a line of a `.pub` file: `ssh-ed25519` or `sk-ssh-ed25519@openssh.com`. */
  publicKey: z.string(),
  holder: z.string().min(1).max(200),
  team: name,
});

const rule = z.strictObject({
  /** Labels that a host's own configuration must have, all of them; none matches every host. */
  match: z.record(label, label),
  /** All clauses must be met. */
  quorum: z.array(z.strictObject({ team: name, count: z.int().min(1).max(64) })).min(1),
  /** Who rules on stop gates; the quorum unless said. */
  rulings: z
    .array(z.strictObject({ team: name, count: z.int().min(1).max(64) }))
    .min(1)
    .optional(),
  /** True: whoever signed the release does not count as an approver of it. */
  separation: z.boolean(),
  /** The longest time that an open gate may stay open. */
  maxLeaseMs: durationMs,
  /** How long a host may be out of touch, after its freshness ran out, before its gate closes. */
  freshnessGraceMs: z.int().min(0).max(YEAR_MS),
  /** `required`: only signatures of a security key that somebody touched count. */
  presence: z.enum(['optional', 'required']).default('optional'),
  /** True: after a restart of the agent the same order may open the gate again, once all is verified anew. */
  reopen: z.boolean().default(false),
});

const acceptedSubGap = z.strictObject({
  gate: z.string().min(1).max(64),
  checkKind: name,
  owner: z.string().min(1).max(200),
  route: z.string().min(1).max(500),
  maxAgeDays: z.int().min(1).max(365),
});

/** What a plan may not do, each enforced by the sandbox or proven by fingerprint and invariants. */
export const FORBIDDEN_ACTIONS = [
  'service-change',
  'cron-change',
  'neighbour-change',
  'network',
  'production-write',
  'remote-push',
] as const;

const schema = z.strictObject({
  /** Version of this format, not of the document (TUF numbers that). */
  version: z.literal(1),
  approvers: z.array(approver).min(1).max(LIMITS.approverCount),
  rules: z.array(rule).min(1).max(256),
  subGaps: z.strictObject({ accept: z.array(acceptedSubGap).max(1000) }),
  gates: z.strictObject({ required: z.array(z.string().min(1).max(64)).min(1) }),
  checkKinds: z.strictObject({ allowed: z.array(name).min(1) }),
  sandbox: z.enum(['required', 'optional']),
  forbidden: z.array(z.enum(FORBIDDEN_ACTIONS)),
  /** How long a timestamp may be valid: the delay that an owner of the control plane can cause. */
  timestampExpiresMs: durationMs,
  /** The log that every order must be in, as a C2SP verifier key; without one nothing can be enabled. */
  log: z.string().max(512).optional(),
  /** Old releases that stay on a host beside the newest. */
  retention: z.strictObject({ keep: z.int().min(0).max(1000) }),
});

export type Policy = z.infer<typeof schema>;
export type PolicyRule = Policy['rules'][number];
export type Approver = Policy['approvers'][number];
export type AcceptedSubGap = Policy['subGaps']['accept'][number];
export type ForbiddenAction = (typeof FORBIDDEN_ACTIONS)[number];
export type Labels = { readonly [label: string]: string };

/** Reads the bytes of `policy.json`. Errors: `policy-invalid`, whose message lists every invalid field. */
export function parsePolicy(bytes: Uint8Array): Policy {
  if (bytes.length > LIMITS.policyBytes) {
    throw invalid([`expected at most ${LIMITS.policyBytes} bytes, got ${bytes.length}`]);
  }
  const read = decodeJsonObject(bytes, { what: POLICY_PATH, code: 'policy-invalid' });
  // A schema loses such a member: a rule that matches `__proto__` alone would match every host.
  if (hasPrototypeMember(read)) throw invalid(['a member is named "__proto__"']);
  const parsed = schema.safeParse(read);
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`));
  }
  const contradictions = [
    ...approverFaults(parsed.data),
    ...ruleFaults(parsed.data),
    ...listFaults(parsed.data),
    ...logFaults(parsed.data),
  ];
  if (contradictions.length > 0) throw invalid(contradictions);
  return parsed.data;
}

/** The rule for a host with these labels, or undefined: then nobody can enable it. */
export function selectRule(policy: Policy, labels: Labels): PolicyRule | undefined {
  return policy.rules.find((candidate) => isSubset(candidate.match, labels));
}

/** An approver with the key that orders and rulings are verified with. */
export interface KeyedApprover extends Approver {
  readonly key: ApproverKey;
}

export function keyedApprovers(policy: Policy): KeyedApprover[] {
  return policy.approvers.map((entry) => ({ ...entry, key: parseApproverKey(entry.publicKey) }));
}

/** The log that orders must be in; undefined where the policy names none. */
export function logOf(policy: Policy): NoteKey | undefined {
  return policy.log === undefined ? undefined : parseVerifierKey(policy.log);
}

function* approverFaults(policy: Policy): Generator<string> {
  const seen = new Map<string, number>();
  for (const [index, entry] of policy.approvers.entries()) {
    const key = readKey(entry.publicKey);
    if (typeof key === 'string') {
      yield `approvers.${index}.publicKey: ${key}`;
      continue;
    }
    if (key.keyId !== entry.keyId) yield `approvers.${index}.keyId: expected "${key.keyId}", got "${entry.keyId}"`;
    // By its public bytes: one key in two forms would fill two seats.
    const first = seen.get(key.identity);
    if (first !== undefined) yield `approvers.${index}.publicKey: the same key as approvers.${first}`;
    else seen.set(key.identity, index);
  }
}

function* ruleFaults(policy: Policy): Generator<string> {
  for (const [index, entry] of policy.rules.entries()) {
    const hiddenBy = policy.rules.slice(0, index).findIndex((earlier) => isSubset(earlier.match, entry.match));
    if (hiddenBy >= 0) yield `rules.${index}.match: never reached, rules.${hiddenBy} matches first`;
    yield* quorumFaults(policy, entry, `rules.${index}.quorum`);
    if (entry.rulings) yield* quorumFaults(policy, { ...entry, quorum: entry.rulings }, `rules.${index}.rulings`);
  }
}

function* quorumFaults(policy: Policy, { quorum, presence }: PolicyRule, path: string): Generator<string> {
  for (const [index, { team, count }] of quorum.entries()) {
    const holders = new Set(policy.approvers.filter((entry) => entry.team === team).map(({ holder }) => holder));
    if (holders.size < count) {
      yield `${path}.${index}: asks for ${count} of team "${team}", which has ${holders.size} holders`;
    }
    const isRepeated = quorum.slice(0, index).some((earlier) => earlier.team === team);
    if (isRepeated) yield `${path}.${index}.team: "${team}" has a clause already`;
  }
  if (presence !== 'required') return;
  for (const { team, count } of quorum) {
    const touched = policy.approvers.filter((entry) => entry.team === team && entry.publicKey.startsWith('sk-'));
    if (touched.length < count)
      yield `${path}: presence is required, team "${team}" has ${touched.length} security keys of ${count}`;
  }
}

function* listFaults(policy: Policy): Generator<string> {
  const lists = { 'gates.required': policy.gates.required, 'checkKinds.allowed': policy.checkKinds.allowed };
  for (const [path, list] of Object.entries({ ...lists, forbidden: policy.forbidden })) {
    if (new Set<string>(list).size !== list.length) yield `${path}: an entry stands there twice`;
  }
}

function* logFaults({ log }: Policy): Generator<string> {
  try {
    if (log !== undefined) parseVerifierKey(log);
  } catch (error) {
    yield `log: ${messageOf(error)}`;
  }
}

function readKey(text: string): ApproverKey | string {
  try {
    return parseApproverKey(text);
  } catch (error) {
    return messageOf(error);
  }
}

function isSubset(labels: Labels, of: Labels): boolean {
  return Object.entries(labels).every(([key, value]) => Object.hasOwn(of, key) && of[key] === value);
}

function invalid(faults: readonly string[]): RejectedError {
  const count = faults.length === 1 ? '1 invalid field' : `${faults.length} invalid fields`;
  return new RejectedError('policy-invalid', `failed to parse ${POLICY_PATH}: ${count}: ${faults.join('; ')}`);
}
