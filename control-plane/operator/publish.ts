/**
 * Publishing: what releasers have signed becomes what hosts are shown, all of it or nothing.
 *
 * 1. It is admitted if and only if a client that trusted the previous state accepts the new one: the same code decides.
 *    But for one thing: a role that has run out and is not submitted does not keep others from being renewed.
 * 2. What it names is there: every target, and every blob of every release.
 * 3. The versions before are compared when the new ones are written; whoever comes second is told so and redoes it.
 * 4. The timestamp is the control plane's own. Nobody publishes one.
 */
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import type { PublishedFile, PublishRequest, PublishResponse } from '../../shared/rpc/generated/messages.ts';
import { POLICY_PATH } from '../../shared/trust/tuf-metadata.ts';
import { findMetadataFile, putMetadataFiles } from '../store/metadata-files.ts';
import { type PublishedVersions, replacePublishedVersions } from '../store/publications.ts';
import { addTargets } from '../store/targets.ts';
import { checkAsClient } from './check-as-client.ts';
import { checkContents } from './check-contents.ts';
import type { OperatorContext } from './operator-context.ts';
import { composePublication } from './publication.ts';
import { publishedSet } from './published-set.ts';
import { nextTimestamp } from './timestamp.ts';

/**
 * Errors: `RejectedError` with `publication-outdated` when something else was published since the caller looked,
 * `publication-malformed`, `publication-names-timestamp`, `target-missing`, `target-not-listed`,
 * `publication-incomplete`, and the codes of the trust rules.
 */
export async function publish(context: OperatorContext, request: PublishRequest): Promise<PublishResponse> {
  const { store, clock, sessions } = context;
  const before = await publishedSet(store);
  const submitted = { metadata: fileMap(request.metadata), targets: fileMap(request.targets) };
  const publication = composePublication(before, submitted.metadata);
  await checkUnpublished(context, submitted.metadata);
  const contents = await checkContents(context, publication, submitted.targets);
  const policy = contents.get(POLICY_PATH);
  const previous = before?.trusted.get('timestamp.json');
  const timestamp = nextTimestamp(context, { previous, snapshot: publication.snapshot, policy });
  await checkAsClient({ before, publication, timestamp, targets: submitted.targets, now: clock.now() });
  const after: PublishedVersions = { ...publication.versions, timestamp: (before?.versions.timestamp ?? 0) + 1 };
  await store.transaction().execute(async (transaction) => {
    if (!(await replacePublishedVersions(transaction, before?.versions, after))) throw overtaken();
    const files = new Map([...submitted.metadata, ['timestamp.json', timestamp] as const]);
    await putMetadataFiles(transaction, files, clock.now());
    await addTargets(transaction, submitted.targets, clock.now());
  });
  context.onPublished();
  sessions.hintTrust();
  return { timestampVersion: after.timestamp };
}

function fileMap(files: readonly PublishedFile[]): Map<string, Uint8Array> {
  const byName = new Map<string, Uint8Array>();
  for (const { name, content } of files) {
    if (byName.has(name)) throw refused('publication-malformed', `"${name}" is there twice`);
    byName.set(name, content);
  }
  return byName;
}

/** A versioned file never changes once it is out: two signers took the same number. */
async function checkUnpublished({ store }: OperatorContext, metadata: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, content] of metadata) {
    const published = await findMetadataFile(store, name);
    if (published !== undefined && !published.equals(content))
      throw refused('publication-outdated', `another "${name}" is published`);
  }
}

function overtaken(): RejectedError {
  return refused('publication-outdated', 'something else was published meanwhile');
}

function refused(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(code, `failed to publish: ${reason}`);
}
