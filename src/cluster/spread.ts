/** Whether a piece of work that several nodes could do, named by a text, is `node`'s: all nodes that see the same others agree. */
export function isShareOf(node: number, others: readonly number[], text: string): boolean {
  const nodes = [node, ...others].toSorted((a, b) => a - b)
  return nodes[hash(text) % nodes.length] === node
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
