/**
 * Where a release comes from, as an in-toto statement with the SLSA v1 predicate. It says no time and no run id, so two
 * builds of one commit say the same.
 */
import { encodeCanonical } from '../../shared/canonical-json.ts';
import type { Sha256 } from '../../shared/digest.ts';
import type { SourceCommit } from './repository.ts';

const BUILD_TYPE = 'https://keyturn.dev/buildtypes/git/v1';
/** The command line on somebody's machine: who it was is said by the signatures over the release, not here. */
const BUILDER_ID = 'https://keyturn.dev/builders/command-line/v1';

export interface ProvenanceFacts {
  readonly source: Pick<SourceCommit, 'commit' | 'ref' | 'remote'>;
  readonly archive: { readonly name: string; readonly sha256: Sha256 };
  readonly config: { readonly place: 'repository' | 'outside'; readonly sha256: Sha256 };
  readonly builderVersion: Readonly<Record<string, string>>;
}

export function encodeProvenance({ source, archive, config, builderVersion }: ProvenanceFacts): Buffer {
  const repository = source.remote === '' ? undefined : source.remote;
  const ref = source.ref === '' ? source.commit : source.ref;
  return encodeCanonical({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: archive.name, digest: { sha256: archive.sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          repository,
          ref,
          config: config.place === 'repository' ? 'keyturn.yaml' : 'outside the repository',
        },
        resolvedDependencies: [
          { uri: `git+${repository ?? 'local:'}@${ref}`, digest: { gitCommit: source.commit } },
          { name: 'keyturn.yaml', digest: { sha256: config.sha256 } },
        ],
      },
      runDetails: { builder: { id: BUILDER_ID, version: builderVersion } },
    },
  });
}
