/**
 * The key ceremony: every key is made here, once, and the first trust metadata is signed with them.
 *
 * Root, targets, release and snapshot keys never reach the control plane; it gets the timestamp key alone (P2).
 */
import { sha256 } from '../../shared/digest.ts';
import { generateKey, type PublicKey, type SigningKey } from '../../shared/trust/keys.ts';
import { type Policy, parsePolicy } from '../../shared/trust/policy.ts';
import { fileNameOf, releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';
import {
  createReleases,
  createRoot,
  createSnapshot,
  createTargets,
  type Keyholders,
} from '../../shared/trust/tuf-repository.ts';
import { encodeVerifierKey, type NoteKey } from '../../shared/trust/verifier-key.ts';

export interface Quorum {
  /** How many keys are made. */
  readonly keys: number;
  /** How many of them must sign. */
  readonly threshold: number;
}

export interface CeremonyRequest {
  readonly root: Quorum;
  readonly targets: Quorum;
  readonly releasers: ReadonlyMap<string, Quorum>;
  readonly approvers: readonly { readonly name: string; readonly team: string }[];
  readonly acceptedGaps: Policy['subGaps']['accept'];
  readonly forbidden: Policy['forbidden'];
  /** The public half of the freshness key, which the control plane alone holds. */
  readonly timestampKey: PublicKey;
  /** The control plane's log, which every order must be in. */
  readonly log: NoteKey;
  readonly now: Date;
}

export interface Ceremony {
  /** Keys by role (`root`, `targets`, `snapshot`, `release-<app>`, `approvers`) and file name. */
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, SigningKey>>;
  /** What is published first, by file name; the control plane adds the timestamp. */
  readonly metadata: ReadonlyMap<string, Buffer>;
  readonly policy: Buffer;
}

const DAY_MS = 24 * 3600 * 1000;
/** How long each role's metadata is valid: offline roles are renewed by people, so they last. */
export const VALIDITY_DAYS = { root: 365, targets: 365, release: 365, snapshot: 365 } as const;
const TIMESTAMP_EXPIRES_MS = 3600 * 1000;

export function holdCeremony(request: CeremonyRequest): Ceremony {
  const keys = makeKeys(request);
  const policy = Buffer.from(`${JSON.stringify(firstPolicy(request, keys), null, 2)}\n`);
  parsePolicy(policy);
  return { keys, policy, metadata: signFirstMetadata(request, { keys, policy }) };
}

export function validUntil(now: Date, role: keyof typeof VALIDITY_DAYS): Date {
  return new Date(now.getTime() + VALIDITY_DAYS[role] * DAY_MS);
}

type KeysByRole = Ceremony['keys'];

function makeKeys(request: CeremonyRequest): KeysByRole {
  const numbered = ({ keys }: Quorum) =>
    new Map(Array.from({ length: keys }, (_, index) => [`${index + 1}`, generateKey()]));
  return new Map<string, ReadonlyMap<string, SigningKey>>([
    ['root', numbered(request.root)],
    ['targets', numbered(request.targets)],
    ['snapshot', numbered({ keys: 1, threshold: 1 })],
    ...[...request.releasers].map(([app, quorum]) => [releaseRoleOf(app), numbered(quorum)] as const),
    ['approvers', new Map(request.approvers.map(({ name }) => [name, generateKey()]))],
  ]);
}

function signFirstMetadata(
  request: CeremonyRequest,
  { keys, policy }: { keys: KeysByRole; policy: Buffer },
): Map<string, Buffer> {
  const { now } = request;
  const root = createRoot(
    {
      root: keyholders(keys, 'root', request.root.threshold),
      targets: keyholders(keys, 'targets', request.targets.threshold),
      snapshot: keyholders(keys, 'snapshot', 1),
      timestamp: { keys: [request.timestampKey], threshold: 1 },
    },
    { expiresAt: validUntil(now, 'root'), signers: signers(keys, 'root') },
  );
  const releasers = [...request.releasers].map(([app, { threshold }]) => ({
    app,
    ...keyholders(keys, releaseRoleOf(app), threshold),
  }));
  const targets = createTargets(
    { policy: { length: policy.length, sha256: sha256(policy) }, releasers },
    { expiresAt: validUntil(now, 'targets'), signers: signers(keys, 'targets') },
  );
  const releases = [...request.releasers.keys()].map((app) => {
    const role = releaseRoleOf(app);
    return [
      role,
      createReleases(app, { expiresAt: validUntil(now, 'release'), signers: signers(keys, role) }),
    ] as const;
  });
  const snapshot = createSnapshot(undefined, new Map([['targets', targets], ...releases]), {
    expiresAt: validUntil(now, 'snapshot'),
    signers: signers(keys, 'snapshot'),
  });
  const files = [['root', root], ['targets', targets], ['snapshot', snapshot], ...releases] as const;
  return new Map(files.map(([role, bytes]) => [fileNameOf(role), bytes]));
}

function keyholders(keys: KeysByRole, role: string, threshold: number): Keyholders {
  return { keys: signers(keys, role), threshold };
}

function signers(keys: KeysByRole, role: string): SigningKey[] {
  return [...(keys.get(role)?.values() ?? [])];
}

/** A strict start; people edit `policy.json` and sign it again. */
function firstPolicy(request: CeremonyRequest, keys: KeysByRole): Policy {
  const teams = [...new Set(request.approvers.map(({ team }) => team))];
  const members = (team: string) => request.approvers.filter((approver) => approver.team === team).length;
  const day = {
    maxLeaseMs: DAY_MS,
    freshnessGraceMs: TIMESTAMP_EXPIRES_MS,
    separation: true,
    presence: 'optional',
    reopen: false,
  } as const;
  return {
    version: 1,
    approvers: request.approvers.map(({ name, team }) => ({
      ...publicKeyOf(keys.get('approvers')?.get(name)),
      holder: name,
      team,
    })),
    rules: [
      {
        match: {},
        quorum: teams.map((team) => ({ team, count: Math.min(2, members(team)) })),
        ...day,
      },
    ],
    subGaps: { accept: request.acceptedGaps },
    gates: { required: ['G0', 'G1', 'G2', 'G3', 'G4', 'G7', 'G8'] },
    checkKinds: { allowed: [...PLAN_CHECK_KINDS] },
    sandbox: 'required',
    forbidden: request.forbidden,
    timestampExpiresMs: TIMESTAMP_EXPIRES_MS,
    log: encodeVerifierKey(request.log),
    retention: { keep: 3 },
  };
}

/** Every kind that a plan may name. */
const PLAN_CHECK_KINDS = [
  'exec',
  'file',
  'tree',
  'anchor',
  'absent',
  'no-service',
  'no-process',
  'port',
  'flag',
  'entrypoint',
  'refuses-live',
  'sql',
  'http',
  'dryrun',
] as const;

function publicKeyOf(key: SigningKey | undefined): { keyId: string; publicKey: string } {
  if (!key) throw new Error('the ceremony lost a key');
  return { keyId: key.keyId, publicKey: key.publicKeyPem };
}
