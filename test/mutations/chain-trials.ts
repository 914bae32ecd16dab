/** Forged metadata: every document by every wrong hand, and the timestamps that the owner of the control plane can sign. */
import { encodeCanonical, type Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { encodeReleaseStatement } from '../../shared/release/release-statement.ts';
import { generateKey, tufKeyOf } from '../../shared/trust/keys.ts';
import { POLICY_PATH } from '../../shared/trust/tuf-metadata.ts';
import { fetchedFiles, withFiles } from './file-trials.ts';
import { FORGERIES, type ForgedRole, type Forgery, forgeChain, forgeTarget, signedPartOf } from './forged-chain.ts';
import { metadataPieces } from './honest-answers.ts';
import { alteredDocuments } from './json-mutations.ts';
import { pathOf, RELEASE_ROLE, type SignedRepository, storedName } from './signed-repository.ts';
import type { Trial } from './trial.ts';

type JsonObject = { [member: string]: Json };

/** Roles whose keys the enemy has not. */
const OUT_OF_REACH: readonly ForgedRole[] = ['root', 'snapshot', 'targets', RELEASE_ROLE];

export function chainTrials(repository: SignedRepository): Trial[] {
  return [...forgedMembers(repository), ...forgedPlans(repository), ...stampedByTheOwner(repository)];
}

export function trialOf(
  repository: SignedRepository,
  { carrier, field, mutation, files }: { carrier: string; field: string; mutation: string; files: Map<string, Buffer> },
): Trial {
  const answers = new Map([...files].map(([name, bytes]) => [name, () => metadataPieces(bytes)]));
  return { carrier, field, mutation, ...withFiles(repository, answers) };
}

/** Chains made as the forged ones are, with another expiry, and signed by those who may. */
export function honestChains(repository: SignedRepository): Trial[] {
  return OUT_OF_REACH.map((role) => {
    const signed = { ...signedPartOf(repository, role), expires: '2035-01-31T00:00:00Z' };
    const files = forgeChain(repository, { role, signed, forgery: 'the right keys' });
    return trialOf(repository, { carrier: 'honest', field: role, mutation: 'another expiry', files });
  });
}

/** Each member altered, the chain made to fit, and signed by the wrong hands in turn. */
function forgedMembers(repository: SignedRepository): Trial[] {
  const ofRoles = OUT_OF_REACH.flatMap((role) =>
    alteredDocuments(signedPartOf(repository, role)).map(({ member, document }, turn) => {
      const forgery = FORGERIES[turn % FORGERIES.length] as Forgery;
      const files = forgeChain(repository, { role, signed: document, forgery });
      return trialOf(repository, { carrier: 'forged', field: `${role}: signed.${member}`, mutation: forgery, files });
    }),
  );
  return [...ofRoles, ...forgedTargets(repository)];
}

function forgedTargets(repository: SignedRepository): Trial[] {
  const files = new Map(fetchedFiles(repository).map(({ label, bytes }) => [label, bytes]));
  const targets = [
    { label: 'statement', path: pathOf(repository.newest), role: RELEASE_ROLE as ForgedRole },
    { label: 'policy', path: POLICY_PATH, role: 'targets' as ForgedRole },
  ];
  return targets.flatMap(({ label, path, role }) => {
    const document = JSON.parse((files.get(label) as Buffer).toString()) as Json;
    return alteredDocuments(document).map(({ member, document: altered }, turn) => {
      const bytes = encodeCanonical(altered);
      const forgery = FORGERIES[turn % FORGERIES.length] as Forgery;
      const chain = forgeTarget(repository, { role, path, bytes, forgery });
      chain.set(storedName(path, bytes), bytes);
      return trialOf(repository, { carrier: 'forged', field: `${label}: ${member}`, mutation: forgery, files: chain });
    });
  });
}

/** What an enemy would really try, by every forgery. */
function forgedPlans(repository: SignedRepository): Trial[] {
  const plans = attackPlans(repository);
  return plans.flatMap(({ role, plan, signed }) =>
    FORGERIES.map((forgery) =>
      trialOf(repository, {
        carrier: 'forged',
        field: `${role}: ${plan}`,
        mutation: forgery,
        files: forgeChain(repository, { role, signed, forgery }),
      }),
    ),
  );
}

interface Plan {
  readonly role: ForgedRole;
  readonly plan: string;
  readonly signed: JsonObject;
}

function attackPlans(repository: SignedRepository): Plan[] {
  const change = (role: ForgedRole, plan: string, edit: (signed: JsonObject) => void): Plan => {
    const signed = structuredClone(signedPartOf(repository, role));
    edit(signed);
    return { role, plan, signed };
  };
  const set = (member: string, value: Json) => (signed: JsonObject) => {
    signed[member] = value;
  };
  return [
    ...['root', 'timestamp', 'snapshot', 'targets'].map((role) =>
      change('root', `an enemy\u2019s key for ${role}`, (signed) =>
        admitEnemy(signed.keys as JsonObject, ruleOf(signed, role)),
      ),
    ),
    change('root', 'a threshold of one', (signed) => set('threshold', 1)(ruleOf(signed, 'targets'))),
    change('root', 'a version far ahead', set('version', 1_000_000)),
    change('snapshot', 'a version far ahead', set('version', Number.MAX_SAFE_INTEGER)),
    change('snapshot', 'the older release role', (signed) => {
      const older = repository.files.get(`2.${RELEASE_ROLE}.json`) as Buffer;
      set(`${RELEASE_ROLE}.json`, { ...listed(older), version: 2 })(signed.meta as JsonObject);
    }),
    change('snapshot', 'without the release role', (signed) => {
      delete (signed.meta as JsonObject)[`${RELEASE_ROLE}.json`];
    }),
    ...releasePlans(repository, change),
  ];
}

/** What would bring another release about, by the roles that can. */
function releasePlans(
  { newest }: SignedRepository,
  change: (role: ForgedRole, plan: string, edit: (signed: JsonObject) => void) => Plan,
): Plan[] {
  const statement = encodeReleaseStatement({ ...newest.statement, treeDigest: sha256('the enemy\u2019s tree') });
  const listEnemys = (signed: JsonObject): void => {
    (signed.targets as JsonObject)[pathOf(newest)] = listed(statement);
  };
  const delegation = (signed: JsonObject) => signed.delegations as { keys: JsonObject; roles: JsonObject[] };
  return [
    change('targets', 'a release role for the enemy', (signed) =>
      admitEnemy(delegation(signed).keys, delegation(signed).roles[0] as JsonObject),
    ),
    change('targets', 'a release role for every path', (signed) => {
      (delegation(signed).roles[0] as JsonObject).paths = ['*', '*/*'];
    }),
    change('targets', 'the release listed by targets itself', listEnemys),
    change(RELEASE_ROLE, 'another statement for the release', listEnemys),
  ];
}

const enemy = generateKey();

function admitEnemy(keys: JsonObject, rule: JsonObject): void {
  keys[enemy.keyId] = tufKeyOf(enemy) as unknown as Json;
  rule.keyids = [enemy.keyId];
  rule.threshold = 1;
}

function ruleOf(signed: JsonObject, role: string): JsonObject {
  return (signed.roles as JsonObject)[role] as JsonObject;
}

export function listed(bytes: Buffer): JsonObject {
  return { length: bytes.length, hashes: { sha256: sha256(bytes) } };
}

/** The owner of the control plane signs timestamps as he likes: he can hold a host up, and nothing else. */
export function stampedByTheOwner(repository: SignedRepository): Trial[] {
  const honest = signedPartOf(repository, 'timestamp');
  const stamp = (mutation: string, field: string, signed: Json) =>
    trialOf(repository, {
      carrier: 'genuine timestamp',
      field: `timestamp: signed.${field}`,
      mutation,
      files: forgeChain(repository, { role: 'timestamp', signed, forgery: 'the timestamp key' }),
    });
  const versions = [0, -1, 1, 2, 4, 2 ** 31, Number.MAX_SAFE_INTEGER];
  const dates = ['2001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2030-02-30T00:00:00Z', 'never', '2030-01-31'];
  const older = (number: number) => {
    const snapshot = repository.files.get(`${number}.snapshot.json`) as Buffer;
    return { ...honest, version: 9, meta: { 'snapshot.json': { ...listed(snapshot), version: number } } };
  };
  return [
    ...alteredDocuments(honest).map(({ member, document }) => stamp('altered', member, document)),
    ...versions.map((version) => stamp(`${version}`, 'version', { ...honest, version })),
    ...dates.map((expires) => stamp(expires, 'expires', { ...honest, expires })),
    stamp('the snapshot of the enrolment', 'meta', older(1)),
    stamp('the snapshot before the release', 'meta', older(2)),
  ];
}
