const LATIN1 = /^[\x00-\xff]*$/

/**
 * The same text in memory of its own, as small as can be. A piece cut from a text keeps the whole of it alive; where there are
 * very many pieces that is most of what they cost.
 */
export function ownText(text: string): string {
  return LATIN1.test(text) ? Buffer.from(text, 'latin1').toString('latin1') : text
}
