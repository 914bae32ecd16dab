/** A change of the targets role: who releases what, and the policy. Signed here with the targets and the snapshot keys. */
import type { Command } from 'commander';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { changeTargets, createSnapshot, type TargetsChange } from '../../shared/trust/tuf-repository.ts';
import { validUntil } from './ceremony.ts';
import { withControlPlane } from './connection.ts';
import type { Home } from './home.ts';
import { type PassphraseOptions, withPassphrase } from './passphrase.ts';
import { type Change, type HomeTrust, publishChange, trustedRole } from './publication.ts';

export interface TargetsPublication {
  readonly change: TargetsChange;
  /** Delegated roles that change with it. */
  readonly releases?: ReadonlyMap<string, Uint8Array>;
  /** New targets by path. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

export interface TargetsSigner {
  readonly home: Home;
  readonly options: PassphraseOptions;
  /** Targets to look up on the way, so that the roles that list them are in the trusted set. */
  readonly wanted: readonly string[];
}

/** Gives what is trusted then. Errors: those of `Home.loadKeys` and `publishChange`. */
export async function publishTargets(
  command: Command,
  { home, options, wanted }: TargetsSigner,
  compose: (trusted: TrustedMetadata) => TargetsPublication,
): Promise<HomeTrust> {
  const keys = await withPassphrase(options, (passphrase) => ({
    targets: home.loadKeys('targets', passphrase),
    snapshot: home.loadKeys('snapshot', passphrase),
  }));
  const sign = (trusted: TrustedMetadata): Change => {
    const now = new Date();
    const { change, releases = new Map(), files = new Map() } = compose(trusted);
    const targets = changeTargets(trustedRole(trusted, 'targets'), change, {
      expiresAt: validUntil(now, 'targets'),
      signers: keys.targets,
    });
    const changed = new Map<string, Uint8Array>([['targets', targets], ...releases]);
    const signing = { expiresAt: validUntil(now, 'snapshot'), signers: keys.snapshot };
    const snapshot = createSnapshot(trustedRole(trusted, 'snapshot'), changed, signing);
    return { metadata: new Map([...changed, ['snapshot', snapshot]]), targets: files };
  };
  const refreshing = { targets: wanted, renewing: 'targets' } as const;
  return withControlPlane(command, 'releaser', (publisher) => publishChange(publisher, sign, refreshing));
}
