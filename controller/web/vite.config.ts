/** How the page is built: a few files with the hash of their content in their names, and nothing inline. */

import { join } from 'node:path'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

/** Chunks that need a module, for it to come with the first load. */
const sharedBy = 4

export default defineConfig({
  root: join(import.meta.dirname, 'app'),
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: join(import.meta.dirname, 'dist'),
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // A data URL or an inline module would need a hole in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One sheet of some kilobytes: a browser asks for it beside the scripts, and lays nothing out anew when a view comes.
    cssCodeSplit: false,
    rolldownOptions: {
      checks: { pluginTimings: false },
      // Each request costs a browser more than a kilobyte does: what most views share comes at once.
      output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: sharedBy }] } },
    },
  },
  worker: { format: 'es' },
})
