import type { AdmissionRequest } from '../../../host-agent/run/admit-release.ts';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodePlan, type Plan } from '../../../shared/release/plan.ts';
import { POLICY_PATH } from '../../../shared/trust/tuf-metadata.ts';
import { absentCheck, INSTALL_ROOT, planOf, policyBytes, type SignedWorld } from './signed-world.ts';
import type { TrustRootOptions } from './trust-root.ts';

export interface AttackRow {
  readonly world?: Partial<TrustRootOptions>;
  /** Sets the attack up, and gives what the directive names. */
  readonly arrange: (world: SignedWorld) => AdmissionRequest;
  readonly code: string;
}

export const TARGET = 'app/1.0.json';

export const STATEMENTS: Record<string, AttackRow> = {
  'the statement of another application under this path': {
    arrange: (world) => world.publish({ plan: { app: 'other' }, target: TARGET }).request,
    code: 'release-of-another-name',
  },
  'the statement of another version under this path': {
    arrange: (world) => world.publish({ plan: { version: '0.9' }, target: TARGET }).request,
    code: 'release-of-another-name',
  },
  'another statement than the one that was ordered': {
    arrange: (world) => ({ ...world.publish().request, statementDigest: sha256('the one that was meant') }),
    code: 'release-not-as-ordered',
  },
  'an order that names no statement at all': {
    arrange: (world) => ({ ...world.publish().request, statementDigest: '' }),
    code: 'release-not-as-ordered',
  },
  'a statement with a member that this agent does not know': {
    arrange: (world) => {
      const { statement } = world.build({});
      return world.publish({ bytes: { statement: encodeCanonical({ ...statement, live: true }) } }).request;
    },
    code: 'release-statement-malformed',
  },
  'a statement of another schema': {
    arrange: (world) => {
      const { statement } = world.build({});
      const bytes = encodeCanonical({ ...statement, schema: 'keyturn.release/v2' });
      return world.publish({ bytes: { statement: bytes } }).request;
    },
    code: 'release-statement-malformed',
  },
  'a statement with a second spelling': {
    arrange: (world) => {
      const spaced = Buffer.from(JSON.stringify(world.build({}).statement, null, 1));
      return world.publish({ bytes: { statement: spaced } }).request;
    },
    code: 'not-canonical-json',
  },
  'the policy in place of a release': {
    arrange: () => ({ target: POLICY_PATH, statementDigest: sha256(policyBytes()) }),
    code: 'release-statement-malformed',
  },
  'a path that climbs': {
    arrange: (world) => {
      world.publish();
      return { target: `app/../${TARGET}`, statementDigest: undefined };
    },
    code: 'target-unknown',
  },
  'a path that every object has': {
    arrange: () => ({ target: 'constructor', statementDigest: undefined }),
    code: 'target-unknown',
  },
  'no path': { arrange: () => ({ target: '', statementDigest: undefined }), code: 'target-unknown' },
};

export const CONTENT: Record<string, AttackRow> = {
  'the plan of another application': {
    arrange: (world) => world.publish({ bytes: { plan: encodePlan({ ...planOf(), app: 'other' }) } }).request,
    code: 'plan-of-another-release',
  },
  'the plan of another version': {
    arrange: (world) => world.publish({ bytes: { plan: encodePlan({ ...planOf(), version: '0.9' }) } }).request,
    code: 'plan-of-another-release',
  },
  'a tree digest that is not the one of the manifest': {
    arrange: (world) => world.publish({ statement: { treeDigest: sha256('another tree') } }).request,
    code: 'tree-digest-differs',
  },
  ...tamperedRows('plan'),
  ...tamperedRows('manifest'),
  ...tamperedRows('buildRecord'),
  'a plan that is too large, by its signed size': sizeRow('plan', LIMITS.planBytes),
  'a manifest that is too large, by its signed size': sizeRow('manifest', LIMITS.manifestBytes),
  'a build record that is too large, by its signed size': sizeRow('buildRecord', LIMITS.buildRecordBytes),
  'a plan with a second spelling': {
    arrange: (world) => world.publish({ bytes: { plan: Buffer.from(JSON.stringify(planOf(), null, 1)) } }).request,
    code: 'not-canonical-json',
  },
  'a plan with a member that this agent does not know': {
    arrange: (world) => world.publish({ bytes: { plan: encodeCanonical({ ...planOf(), after: ['sh'] }) } }).request,
    code: 'plan-malformed',
  },
  'a plan in which two checks have one name': {
    arrange: (world) => world.publish(gatesSpec([absentCheck(), absentCheck()])).request,
    code: 'check-id-repeated',
  },
  'a manifest that climbs out of the tree': {
    arrange: (world) => {
      const file = { kind: 'file', path: '../evil', mode: 0o644, size: 1, sha256: sha256('x') };
      const manifest = encodeCanonical({ schema: 'keyturn.manifest/v1', entries: [file] });
      return world.publish({ bytes: { manifest } }).request;
    },
    code: 'path-dot-segment',
  },
  'a build record that is none': {
    arrange: (world) => world.publish({ bytes: { buildRecord: encodeCanonical({ checks: [] }) } }).request,
    code: 'build-record-malformed',
  },
  'a build record that no ledger entry can hold': {
    arrange: (world) => {
      const observation = { output: 'x'.repeat(LIMITS.ledgerEntryBytes) };
      const checks = [{ check: 'g0.repository', gate: 'G0' as const, kind: 'repository', observation }];
      return world.publish({ buildRecord: { schema: 'keyturn.build-record/v1', checks } }).request;
    },
    code: 'build-record-too-large',
  },
};

export const PLANS: Record<string, AttackRow> = {
  'a check of a kind that nobody knows': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'shell' }])).request,
    code: 'check-kind-unknown',
  },
  "a check of one of Keyturn's own kinds, although the policy names it": {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'rehearsal' }])).request,
    code: 'check-kind-unknown',
  },
  'a check of a kind that every object has': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'toString' }])).request,
    code: 'check-kind-unknown',
  },
  'a check of a kind that the policy does not allow': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'tree', params: treeParams() }])).request,
    code: 'check-kind-not-allowed',
  },
  'a check whose parameters its kind refuses': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), params: { path: '.env', sh: 'id' } }])).request,
    code: 'check-params-malformed',
  },
  'a check with a shell string for a command': {
    arrange: (world) =>
      world.publish(gatesSpec([{ ...absentCheck(), kind: 'exec', params: { argv: 'id > /etc/owned' } }])).request,
    code: 'check-params-malformed',
  },
  'a plan without a gate that the policy requires': {
    arrange: (world) => world.publish({ plan: { gates: [{ gate: 'G6', checks: [absentCheck()] }] } }).request,
    code: 'gate-required-by-policy',
  },
  'a check that asks for the network where the policy forbids it': {
    arrange: (world) => {
      const params = { argv: ['curl', 'https://example.invalid'], network: true };
      return world.publish(gatesSpec([{ ...absentCheck(), kind: 'exec', params }])).request;
    },
    code: 'network-forbidden',
  },
  'an install root that the owner of the host does not allow': rootRow('/etc', 'install-root-not-allowed'),
  'an install root above one that is allowed': rootRow('/opt', 'install-root-not-allowed'),
  'an install root below one that is allowed': rootRow(`${INSTALL_ROOT}/old`, 'install-root-not-allowed'),
  'an install root that begins like one that is allowed': rootRow(`${INSTALL_ROOT}-2`, 'install-root-not-allowed'),
  'an install root in capitals': rootRow('/OPT/dot', 'install-root-not-allowed'),
  'an install root with a line break behind it': rootRow(`${INSTALL_ROOT}\n`, 'install-root-not-allowed'),
  'an install root with a slash behind it': rootRow(`${INSTALL_ROOT}/`, 'plan-malformed'),
  'an install root with a slash more': rootRow('/opt//dot', 'plan-malformed'),
  'an install root that climbs': rootRow('/srv/../opt/dot', 'plan-malformed'),
  'an install root with a dot segment': rootRow('/opt/./dot', 'plan-malformed'),
  'an install root with a NUL': rootRow(`${INSTALL_ROOT}\0`, 'plan-malformed'),
  'an install root that is relative': rootRow('opt/dot', 'plan-malformed'),
};

type Blob = 'plan' | 'manifest' | 'buildRecord';

/** The same blob, served wrong in several ways. */
function tamperedRows(blob: Blob): Record<string, AttackRow> {
  const served = (change: (bytes: Buffer) => Buffer | undefined): AttackRow => ({
    arrange: (world) => {
      const { request, statement } = world.publish();
      const digest = statement[blob].sha256;
      const changed = change(world.blobs.get(digest) ?? Buffer.alloc(0));
      if (changed) world.blobs.set(digest, changed);
      else world.blobs.delete(digest);
      return request;
    },
    code: 'blob-digest-differs',
  });
  return {
    [`a ${blob} with one bit changed`]: served((bytes) => {
      const changed = Buffer.from(bytes);
      changed[10] = (changed[10] ?? 0) ^ 1;
      return changed;
    }),
    [`a ${blob} that ends early`]: served((bytes) => bytes.subarray(0, -1)),
    [`a ${blob} with a byte too many`]: served((bytes) => Buffer.concat([bytes, Buffer.from(' ')])),
    [`a ${blob} that is missing`]: served(() => undefined),
  };
}

function sizeRow(blob: Blob, limit: number): AttackRow {
  return {
    arrange: (world) => {
      const honest = world.blobSource;
      world.blobSource = {
        fetch: (wants, options) => {
          if (wants.some(({ size }) => size > limit)) throw new Error('nobody may ask for it');
          return honest.fetch(wants, options);
        },
        chunksOf: honest.chunksOf,
      };
      const reference = world.build({}).statement[blob];
      return world.publish({ statement: { [blob]: { ...reference, size: limit + 1 } } }).request;
    },
    code: 'blob-too-large',
  };
}

export function gatesSpec(checks: Plan['gates'][number]['checks']): { plan: Partial<Plan> } {
  return { plan: { gates: [{ gate: 'G5', checks }] } };
}

function treeParams(): Plan['gates'][number]['checks'][number]['params'] {
  return { path: 'bin', equals: sha256('bin') };
}

function rootRow(root: string, code: string): AttackRow {
  return { arrange: (world) => world.publish({ plan: { install: { root, preserve: [] } } }).request, code };
}
