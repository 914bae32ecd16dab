/**
 * From a commit to a release: gates G0 to G2, and one `.ktr` bundle.
 *
 * 1. Everything comes from the commit; the working tree is only asked whether it is clean.
 * 2. The bundle is written last, at once, and only if every check passes. Until then nothing stands outside of a
 *    scratch folder, which is removed however the build ends.
 * 3. No clock and no randomness gets into a byte: two builds of one commit on one machine are identical.
 */
import { hostname } from 'node:os';
import pkg from '../../package.json' with { type: 'json' };
import type { AnyCheckKind } from '../../shared/ledger/check-kind.ts';
import { type ArtifactDigestObservation, artifactDigestKind } from '../../shared/ledger/kinds/artifact-digest.ts';
import { artifactScanKind } from '../../shared/ledger/kinds/artifact-scan.ts';
import { type BuildEnvironmentObservation, buildEnvironmentKind } from '../../shared/ledger/kinds/build-environment.ts';
import { declaredEntrypointsKind } from '../../shared/ledger/kinds/declared-entrypoints.ts';
import { declaredVersionKind } from '../../shared/ledger/kinds/declared-version.ts';
import { repositoryKind } from '../../shared/ledger/kinds/repository.ts';
import type { ScanObservation } from '../../shared/ledger/kinds/scan-observation.ts';
import { sourceScanKind } from '../../shared/ledger/kinds/source-scan.ts';
import { sourceTestsKind } from '../../shared/ledger/kinds/source-tests.ts';
import { parseKeyturnYaml } from '../../shared/release/keyturn-yaml.ts';
import { createManifest, type Manifest, manifestFiles, manifestTreeDigest } from '../../shared/release/manifest.ts';
import type { Plan } from '../../shared/release/plan.ts';
import { installationName } from '../../shared/release/release-statement.ts';
import { ScratchBlobs } from '../../shared/store/scratch-blobs.ts';
import { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { archiveChunks } from './archive-writer.ts';
import { ARCHIVE_FILE, type Digested, digestOf, scanArchive, writeArchive } from './artifact.ts';
import { assembleRelease, type BuiltRelease } from './assemble-release.ts';
import { BuildEvidence, type BuildStep } from './build-checks.ts';
import { makeCheckout } from './checkout.ts';
import { type CommitTree, listCommit } from './commit-tree.ts';
import { readDeclaredVersion } from './declared-version.ts';
import { entrypointsInUse, observeEntrypoints } from './entrypoints.ts';
import { gitVersion } from './git.ts';
import { type OutputPlace, outputPlace } from './output-place.ts';
import { readEntries } from './read-blobs.ts';
import { type ReadConfig, readConfig } from './read-config.ts';
import { decideVersion } from './release-version.ts';
import { openSourceCommit, type SourceCommit } from './repository.ts';
import { scanTree } from './scan-tree.ts';
import { observeSourceTests } from './source-tests.ts';

export type { BuiltRelease } from './assemble-release.ts';
export { type BuildCheckRow, BuildRefused, type BuildStep, type BuildSummary } from './build-checks.ts';

export interface BuildRequest {
  /** A folder inside a git repository, or a bare repository. */
  readonly repository: string;
  /** A tag, a branch, HEAD or a commit id. */
  readonly ref: string;
  /** Path of a `keyturn.yaml` outside the repository, for one that has none. */
  readonly config?: string | undefined;
  readonly version?: string | undefined;
  /** The bundle's path, or a folder for it; the current folder unless said. */
  readonly out?: string | undefined;
  /** The check kinds that a plan may name. */
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  /** Called before each check. */
  readonly onStep?: ((step: BuildStep) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Builds a release. Errors: `BuildRefused` where a check does not pass, `KeyturnYamlRefused`, `RejectedError` with a code
 * of `openSourceCommit`, `listCommit`, `readConfig`, `readEntries`, `decideVersion`, `outputPlace` or `createManifest`;
 * `TransientError` for git and disk; the signal's reason. After an error nothing is left on disk.
 */
export async function buildRelease(request: BuildRequest): Promise<BuiltRelease> {
  const place = outputPlace(request.out);
  const scratch = new ScratchFolder('keyturn-build');
  try {
    return await buildIn(scratch, { request, place, evidence: new BuildEvidence(request.onStep ?? (() => undefined)) });
  } finally {
    scratch.remove();
  }
}

interface Build {
  readonly request: BuildRequest;
  readonly place: OutputPlace;
  readonly evidence: BuildEvidence;
}

async function buildIn(scratch: ScratchFolder, build: Build): Promise<BuiltRelease> {
  const { request, evidence, place } = build;
  const environment = await observeEnvironment(build);
  const source = await observeRepository(scratch, build);
  const tree = await listCommit(source.objects, source.commit, request);
  const { plan, config } = await readPlan(source, { tree, build });
  using contents = new ScratchBlobs(scratch.at('contents'));
  const manifest = createManifest(await readEntries(source.objects, tree, { contents, signal: request.signal }));
  const material = { scratch, contents, source, plan, manifest };
  const scan = await observeSource(build, { ...material, tree });
  const archive = await observeArtifact(build, { ...material, scan });
  // Awaited here, because the contents are closed when this ends.
  return await assembleRelease({
    source,
    config,
    plan,
    manifest,
    archive,
    evidence,
    scratch,
    contents,
    builderVersion: { keyturn: environment.keyturn, node: environment.node, git: environment.git },
    out: place.pathFor(installationName(plan.app, plan.version)),
  });
}

async function observeEnvironment({ request, evidence }: Build): Promise<BuildEnvironmentObservation> {
  return evidence.observe('G0', buildEnvironmentKind, async () => ({
    params: {},
    observation: {
      platform: process.platform,
      architecture: process.arch,
      machine: hostname() || 'unnamed',
      node: process.versions.node,
      git: await gitVersion(request.signal),
      keyturn: pkg.version,
    },
  }));
}

async function observeRepository(scratch: ScratchFolder, { request, place, evidence }: Build): Promise<SourceCommit> {
  let opened: SourceCommit | undefined;
  await evidence.observe('G0', repositoryKind, async () => {
    opened = await openSourceCommit({ ...request, scratch, isOwnOutput: (path) => place.isOwnOutput(path) });
    const { commit, ref, committedAt, worktree, objectFormat, remote } = opened;
    const observation = {
      commit,
      ref,
      committedAt,
      dirtyPathCount: 0,
      worktree,
      isShallow: false,
      objectFormat,
      remote,
    };
    return { params: { commit }, observation };
  });
  evidence.requirePass();
  return opened as SourceCommit;
}

/** The plan carries the release's version, and the version may be the one that the plan says how to find. */
async function readPlan(
  source: SourceCommit,
  { tree, build }: { tree: CommitTree; build: Build },
): Promise<{ plan: Plan; config: ReadConfig }> {
  const { request } = build;
  const config = await readConfig(source.objects, tree, request.config);
  const draft = parseKeyturnYaml(config.text, { version: '0.0.0', kinds: request.kinds });
  const declared =
    draft.declaredVersion &&
    (await readDeclaredVersion(draft.declaredVersion, { objects: source.objects, tree })).declared;
  const version = decideVersion({ requested: request.version, ref: source.ref, declared, commit: source.commit });
  return { plan: parseKeyturnYaml(config.text, { version, kinds: request.kinds }), config };
}

interface SourceMaterial {
  readonly scratch: ScratchFolder;
  readonly contents: ScratchBlobs;
  readonly source: SourceCommit;
  readonly plan: Plan;
  readonly manifest: Manifest;
}

/** Gate G1. The scan comes first: where it fails, nothing of the source is run. */
async function observeSource(build: Build, material: SourceMaterial & { tree: CommitTree }): Promise<ScanObservation> {
  const { evidence, request } = build;
  const { scratch, contents, source, tree, plan, manifest } = material;
  const { signal } = request;
  const scan = await evidence.observe('G1', sourceScanKind, async () => ({
    params: {},
    observation: await scanTree(manifest, { forbid: plan.artifact.forbid, contents, signal }),
  }));
  evidence.requirePass();
  const { declaredVersion, tests } = plan;
  if (declaredVersion) {
    await evidence.observe('G1', declaredVersionKind, async () => ({
      params: { version: plan.version },
      observation: await readDeclaredVersion(declaredVersion, { objects: source.objects, tree }),
    }));
  }
  const needed = entrypointsInUse(plan);
  const hasEntrypoints = Object.keys(plan.entrypoints).length > 0;
  if (!hasEntrypoints && !tests) return scan;
  const checkout = await makeCheckout(manifest, { scratch, contents });
  if (hasEntrypoints) {
    await evidence.observe('G1', declaredEntrypointsKind, async () => ({
      params: { needed },
      observation: await observeEntrypoints(plan, { manifest, checkout, signal }),
    }));
  }
  if (tests) await evidence.observe('G1', sourceTestsKind, () => observeSourceTests(tests, { checkout, signal }));
  evidence.requirePass();
  return scan;
}

/** Gate G2. */
async function observeArtifact(build: Build, material: SourceMaterial & { scan: ScanObservation }): Promise<Digested> {
  const { evidence, request } = build;
  const { scratch, contents, source, plan, manifest, scan } = material;
  const folder = installationName(plan.app, plan.version);
  const contentOf = ({ sha256 }: { sha256: string }) => contents.pieces(sha256);
  const packed = { folder, manifest, modifiedAt: source.committedAt, contentOf };
  const digests = await evidence.observe('G2', artifactDigestKind, async () => {
    const [first, second] = await Promise.all([writeArchive(packed, scratch), digestOf(archiveChunks(packed))]);
    const observation: ArtifactDigestObservation = {
      first,
      second,
      treeDigest: manifestTreeDigest(manifest),
      files: manifestFiles(manifest).length,
      links: manifest.entries.length - manifestFiles(manifest).length,
    };
    return { params: { ...first, treeDigest: observation.treeDigest }, observation };
  });
  await evidence.observe('G2', artifactScanKind, async () => ({
    params: {},
    observation: await scanArchive({
      path: scratch.at(ARCHIVE_FILE),
      folder,
      manifest,
      forbid: plan.artifact.forbid,
      sourceScan: scan,
      signal: request.signal,
    }),
  }));
  evidence.requirePass();
  return digests.first;
}
