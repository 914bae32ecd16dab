/** A document in one of its forms, as sinks take it. */
import { type Sha256, sha256 } from '../../../shared/digest.ts';
import type { ReportDocument } from '../document.ts';
import { renderHtml } from './html.ts';
import { renderJson } from './json.ts';
import { renderMarkdown } from './markdown.ts';

export interface ReportFile {
  /** Such as `08-final-report.md`. */
  readonly name: string;
  readonly mediaType: string;
  readonly content: Buffer;
  readonly sha256: Sha256;
}

const FORMS = [
  { extension: 'md', mediaType: 'text/markdown; charset=utf-8', render: renderMarkdown },
  { extension: 'html', mediaType: 'text/html; charset=utf-8', render: renderHtml },
  { extension: 'json', mediaType: 'application/json', render: renderJson },
] as const;

/** `08-final-report`. */
export function documentSlug({ number, title }: Pick<ReportDocument, 'number' | 'title'>): string {
  return `${number}-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

export function renderDocument(document: ReportDocument): ReportFile[] {
  return FORMS.map(({ extension, mediaType, render }) => {
    const content = Buffer.from(render(document), 'utf8');
    return { name: `${documentSlug(document)}.${extension}`, mediaType, content, sha256: sha256(content) };
  });
}
