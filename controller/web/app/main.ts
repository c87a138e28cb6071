/** The web page of a controller: mounts the application. */

import { mount } from 'svelte'
import App from './App.svelte'
import './base/tokens.css'
import './base/base.css'
import './base/theme.svelte.ts'

const target = document.getElementById('app')
if (target !== null) mount(App, { target })
