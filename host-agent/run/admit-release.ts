/**
 * From a target path to a release that this host may install: everything is verified before anything is touched (P1).
 *
 * The directive only points. What is installed follows from the trust root pinned on this host, the release statement
 * that the release engineers signed, and the digests in it (P2).
 */
import { z } from 'zod';
import { canonicalText } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { AnyCheckKind } from '../../shared/ledger/check-kind.ts';
import { dryrunKind } from '../../shared/ledger/kinds/dryrun.ts';
import type { SignedRelease } from '../../shared/ledger/planned-checks.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type BuildRecord, parseBuildRecord } from '../../shared/release/build-record.ts';
import { type Manifest, manifestTreeDigest, parseManifest } from '../../shared/release/manifest.ts';
import { type Plan, type PlanCheck, parsePlan } from '../../shared/release/plan.ts';
import {
  type BlobReference,
  parseReleaseStatement,
  type ReleaseStatement,
  releaseTargetPath,
} from '../../shared/release/release-statement.ts';
import { type Policy, parsePolicy } from '../../shared/trust/policy.ts';
import { fileNameOf, releaseRoleOf, TOP_LEVEL_ROLES, versionOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import type { BlobSource } from '../install/blob-source.ts';
import { type PolicyMeans, readPolicy } from '../trust/policy.ts';
import { fetchSmallBlob } from './fetch-small-blob.ts';
import type { RunMaterials } from './run-store.ts';

/** Gates that every release has, whatever its plan says. */
const OWN_GATES = ['G0', 'G1', 'G2', 'G3', 'G4', 'G7', 'G8'];

/** Room for the rest of a ledger entry around what one check saw. */
const ENTRY_REST_BYTES = 4096;

export interface AdmissionRequest {
  /** TUF target path, `<app>/<version>.json`. */
  readonly target: string;
  /** What the operator meant, if the directive says it: another statement under the same path is refused. */
  readonly statementDigest: Sha256 | undefined;
}

export interface AdmissionMeans extends PolicyMeans {
  readonly blobs: BlobSource;
  /** Of the newest release that this host has admitted; undefined when there is none. */
  readonly newestMaterial: (name: 'plan' | 'manifest' | 'build-record') => Buffer | undefined;
  /** Those that a plan may name; not Keyturn's own. */
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  /** Install roots that the owner of this host allows; the plan cannot add one. */
  readonly installRoots: readonly string[];
  readonly signal: AbortSignal;
}

export interface AdmittedRelease {
  readonly release: SignedRelease;
  readonly manifest: Manifest;
  readonly buildRecord: BuildRecord;
  readonly policy: Policy;
  readonly materials: RunMaterials;
  /** Version of each metadata file that vouches for the release, such as `root 1`. */
  readonly trust: readonly string[];
}

/** Errors: `RejectedError` with the code of the first rule that is broken; `TransientError` when content is out of reach. */
export async function admitRelease(request: AdmissionRequest, means: AdmissionMeans): Promise<AdmittedRelease> {
  const { bytes: policyBytes, others } = await readPolicy(means, [request.target]);
  const [statementBytes = Buffer.alloc(0)] = others;
  const statement = parseReleaseStatement(statementBytes);
  checkStatement(request, { statement, digest: sha256(statementBytes) });
  const materials = { ...(await fetchMaterials(statement, means)), statement: statementBytes, policy: policyBytes };
  const admitted = releaseOfMaterials(materials);
  const { release, manifest, buildRecord, policy } = admitted;
  checkPlan(release.plan, statement);
  checkTree(manifest, statement);
  checkBuildRecord(buildRecord);
  checkKinds(release.plan, { policy, kinds: means.kinds });
  checkGates(release.plan, policy);
  checkNetwork(release.plan, policy);
  checkInstallRoot(release.plan, means.installRoots);
  return { ...admitted, materials, trust: trustVersions(means.trusted(), statement.app) };
}

/** Reads again what `admitRelease` verified; the journal is trusted, its bytes are parsed all the same. */
export function releaseOfMaterials(materials: RunMaterials): Omit<AdmittedRelease, 'trust' | 'materials'> {
  const statement = parseReleaseStatement(materials.statement);
  return {
    release: { statement, plan: parsePlan(materials.plan), statementDigest: sha256(materials.statement) },
    manifest: parseManifest(materials.manifest),
    buildRecord: parseBuildRecord(materials['build-record']),
    policy: parsePolicy(materials.policy),
  };
}

/** The roles on the way from the root to the release; a host that has others for its other applications names none of them. */
function trustVersions(trusted: TrustedMetadata, app: string): string[] {
  return [...TOP_LEVEL_ROLES, releaseRoleOf(app)].flatMap((role) => {
    const bytes = trusted.get(fileNameOf(role));
    return bytes === undefined ? [] : [`${role} ${versionOf(bytes)}`];
  });
}

async function fetchMaterials(
  statement: ReleaseStatement,
  means: AdmissionMeans,
): Promise<Pick<RunMaterials, 'plan' | 'manifest' | 'build-record'>> {
  const ending = new AbortController();
  const signal = AbortSignal.any([means.signal, ending.signal]);
  const { blobs: source, newestMaterial } = means;
  const fetch = (reference: BlobReference, options: { limit: number; older: Buffer | undefined }) =>
    fetchSmallBlob(reference, { ...options, source, signal });
  const fetching = [
    fetch(statement.plan, { limit: LIMITS.planBytes, older: newestMaterial('plan') }),
    fetch(statement.manifest, { limit: LIMITS.manifestBytes, older: newestMaterial('manifest') }),
    fetch(statement.buildRecord, { limit: LIMITS.buildRecordBytes, older: newestMaterial('build-record') }),
  ] as const;
  try {
    const [plan, manifest, buildRecord] = await Promise.all(fetching);
    return { plan, manifest, 'build-record': buildRecord };
  } finally {
    // When one of them fails the others are of no use; none goes on behind the refusal.
    ending.abort();
    await Promise.allSettled(fetching);
  }
}

/** Checks that the statement is the one that was asked for, under the path that its own name gives. */
function checkStatement(
  request: AdmissionRequest,
  { statement, digest }: { statement: ReleaseStatement; digest: Sha256 },
): void {
  const path = releaseTargetPath(statement.app, statement.version);
  if (path !== request.target) {
    throw new RejectedError(
      'release-of-another-name',
      `failed to admit release: target "${request.target}" holds the statement of "${path}"`,
    );
  }
  if (request.statementDigest !== undefined && request.statementDigest !== digest) {
    throw new RejectedError(
      'release-not-as-ordered',
      `failed to admit release "${request.target}": expected statement ${request.statementDigest}, got ${digest}`,
    );
  }
}

/** Checks that the plan is the plan of this release. */
function checkPlan(plan: Plan, statement: ReleaseStatement): void {
  if (plan.app === statement.app && plan.version === statement.version) return;
  throw new RejectedError(
    'plan-of-another-release',
    `failed to admit release: the plan is of "${plan.app}-${plan.version}", expected "${statement.app}-${statement.version}"`,
  );
}

/** Checks that the manifest describes the tree whose digest was signed. */
function checkTree(manifest: Manifest, statement: ReleaseStatement): void {
  const digest = manifestTreeDigest(manifest);
  if (digest === statement.treeDigest) return;
  throw new RejectedError(
    'tree-digest-differs',
    `failed to admit release: the manifest's tree digest is ${digest}, expected ${statement.treeDigest}`,
  );
}

/** Checks that what the build machine saw fits into ledger entries of this host, each check in one. */
function checkBuildRecord(record: BuildRecord): void {
  for (const check of record.checks) {
    const bytes = Buffer.byteLength(canonicalText(check));
    if (bytes <= LIMITS.ledgerEntryBytes - ENTRY_REST_BYTES) continue;
    throw new RejectedError(
      'build-record-too-large',
      `failed to admit release: what the build machine saw of "${check.check}" has ${bytes} bytes, expected at most ${LIMITS.ledgerEntryBytes - ENTRY_REST_BYTES}`,
    );
  }
}

/** Checks that this agent knows every kind of check and what it is asked, and that the policy allows the kind. */
function checkKinds(plan: Plan, { policy, kinds }: { policy: Policy; kinds: ReadonlyMap<string, AnyCheckKind> }): void {
  for (const check of plan.gates.flatMap((gate) => gate.checks)) {
    const kind = kinds.get(check.kind);
    if (!kind) {
      throw new RejectedError(
        'check-kind-unknown',
        `failed to admit release: check "${check.id}" is of kind "${check.kind}", which this agent does not know`,
      );
    }
    const params = kind.params.safeParse(check.params);
    if (!params.success) {
      throw new RejectedError(
        'check-params-malformed',
        `failed to admit release: check "${check.id}" of kind "${check.kind}": ${z.prettifyError(params.error)}`,
      );
    }
    if (!policy.checkKinds.allowed.includes(check.kind)) {
      throw new RejectedError(
        'check-kind-not-allowed',
        `failed to admit release: check "${check.id}" is of kind "${check.kind}", the policy allows ${policy.checkKinds.allowed.join(', ')}`,
      );
    }
  }
}

/** Checks that the plan has every gate that the policy requires. */
function checkGates(plan: Plan, policy: Policy): void {
  const has = new Set([...OWN_GATES, ...plan.gates.map((gate) => gate.gate)]);
  const absent = policy.gates.required.filter((gate) => !has.has(gate));
  if (absent.length === 0) return;
  throw new RejectedError(
    'gate-required-by-policy',
    `failed to admit release: the plan has no gate ${absent.join(', ')}, which the policy requires`,
  );
}

/**
 * Checks that no check asks for the network where the policy forbids it; the sandbox enforces the rest. Two kinds are
 * left out on purpose: `http` reaches loopback alone, and `sql` reaches what the owner of this host wrote into the secret, no
 * more: the plan has no say in where that is. So are live entrypoints, whose network stands in the plan for the
 * approvers: nothing here starts one in earnest.
 */
function checkNetwork(plan: Plan, policy: Policy): void {
  if (!policy.forbidden.includes('network')) return;
  const asking = plan.gates.flatMap((gate) => gate.checks).find((check) => asksForNetwork(check, plan));
  if (!asking) return;
  throw new RejectedError(
    'network-forbidden',
    `failed to admit release: check "${asking.id}" asks for the network, which the policy forbids`,
  );
}

/** For itself, or for the entrypoint that it starts in a dry run. */
function asksForNetwork({ kind, params }: PlanCheck, { entrypoints }: Plan): boolean {
  if (kind !== dryrunKind.kind) return params.network === true;
  return entrypoints[String(params.entrypoint)]?.network === true;
}

/** Checks that the owner of this host allows the plan's install root. */
function checkInstallRoot(plan: Plan, installRoots: readonly string[]): void {
  if (installRoots.includes(plan.install.root)) return;
  throw new RejectedError(
    'install-root-not-allowed',
    `failed to admit release: install root "${plan.install.root}" is not one of ${installRoots.join(', ') || 'none'}`,
    {
      hint: 'the owner of the host allows roots with `keyturn-agent enrol --install-root PATH`',
    },
  );
}
