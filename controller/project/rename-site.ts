/** Another name for a site, in all files of a project that name it. */

import { selectorsOf } from '../../protocol/alerts/selectors.ts'
import { alertsFile } from './alerts.ts'
import type { ProjectEdit } from './edit.ts'
import { setValue } from './edit-json.ts'
import { setPath } from './entries.ts'
import type { ProjectFiles } from './files.ts'
import { uplinksFile } from './files.ts'

/** The places are those of the files as they were read; each edit keeps all others. */
export async function renameSite(edit: ProjectEdit, files: ProjectFiles, [from, to]: [string, string]): Promise<void> {
  for (const [name, { content }] of files.devices) {
    if (content?.site === from) await setPath(edit, 'devices', name, ['site'], to, files)
  }
  for (const { path, selector } of files.alerts?.content ? selectorsOf(files.alerts.content) : []) {
    if (!selector.sites?.includes(from)) continue
    const sites = [...new Set(selector.sites.map(site => (site === from ? to : site)))]
    await edit.write(alertsFile, setValue((await edit.read(alertsFile)) ?? '', [...path, 'sites'], sites))
  }
  const uplink = Object.hasOwn(files.uplinks, from) ? files.uplinks[from] : undefined
  if (uplink === undefined) return
  const text = setValue((await edit.read(uplinksFile)) ?? '', ['sites', from], undefined)
  await edit.write(uplinksFile, setValue(text, ['sites', to], uplink))
}

export function siteIsNamed({ devices, alerts, uplinks }: ProjectFiles, site: string): boolean {
  return (
    [...devices.values()].some(({ content }) => content?.site === site) ||
    (alerts?.content !== undefined &&
      selectorsOf(alerts.content).some(({ selector }) => selector.sites?.includes(site))) ||
    Object.hasOwn(uplinks, site)
  )
}
