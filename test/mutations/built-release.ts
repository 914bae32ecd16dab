/** Two real releases of one small application, built from a real repository. */
import { type BuiltRelease, buildRelease } from '../../control-plane/build/build-release.ts';
import type { Sha256 } from '../../shared/digest.ts';
import { BuildPlace, buildableRepository, KEYTURN_YAML, KINDS } from '../support/build-repository.ts';
import type { GitRepository } from '../support/git-repository.ts';
import { collected } from '../support/rejection-of.ts';

/** A release with everything that it consists of in memory. */
export interface BuiltBlobs
  extends Pick<BuiltRelease, 'statement' | 'statementBytes' | 'plan' | 'manifest' | 'buildRecord'> {
  readonly blobs: ReadonlyMap<Sha256, Buffer>;
}

export const INSTALL_ROOT = '/opt/dot';

/** What a dry run would compare is out of reach of every host here: it leaves a sub-gap that people have to waive. */
export const GAP_CHECK = 'rehearsal';
export const LIVE_ENTRYPOINT = 'live';
/** Declared, and not live. */
export const DRY_ENTRYPOINT = 'rehearse';

const GATES = `requires: { tools: { sh: { argv: [-c, 'echo 1.0'] } } }
secrets: [counts_ro]
entrypoints:
  ${DRY_ENTRYPOINT}: { argv: [sh, bin/cut], stopGates: [SG1] }
  ${LIVE_ENTRYPOINT}: { argv: [sh, bin/cut], live: true }
invariants:
  counts: { sql: { dsn: counts_ro, queries: { rows: 'select count(*) from rows' } } }
gates:
  G5:
    - file: { id: command, path: bin/cut, mode: '0755' }
    - absent: { id: no-secrets, path: .env }
  G6:
    - dryrun: { id: ${GAP_CHECK}, entrypoint: ${DRY_ENTRYPOINT}, invariants: [counts] }
`;

/** The older one, then the newer one. */
export async function buildReleases(owner: string): Promise<[BuiltBlobs, BuiltBlobs]> {
  const place = new BuildPlace();
  const repository = buildableRepository();
  try {
    repository.write('keyturn.yaml', `${KEYTURN_YAML}${GATES}`).write('OWNER', owner);
    const older = await buildVersion(repository, { place, version: '0.9', content: 'x'.repeat(2000) });
    const newer = await buildVersion(repository, { place, version: '1.0', content: bigContent() });
    return [older, newer];
  } finally {
    repository.remove();
    place.remove();
  }
}

async function buildVersion(
  repository: GitRepository,
  { place, version, content }: { place: BuildPlace; version: string; content: string },
): Promise<BuiltBlobs> {
  repository.write('cutter/__init__.py', `__version__ = "${version}"\n`).write('cutter/table.txt', content).commit();
  const out = `${place.path}/${version}.ktr`;
  const built = await buildRelease({ repository: repository.path, ref: 'HEAD', out, kinds: KINDS });
  const { statement, statementBytes, plan, manifest, buildRecord } = built;
  const blobs = new Map<Sha256, Buffer>();
  for (const [digest, blob] of built.blobs) blobs.set(digest, Buffer.concat(await collected(blob.open())));
  return { statement, statementBytes, plan, manifest, buildRecord, blobs };
}

/** Enough for several pieces, and no two of them alike. */
function bigContent(): string {
  return Array.from({ length: 700 }, (_, row) => `row ${row} of the table\n`).join('');
}
