"""The control room that replicates many branches. Nothing here yet; `demo.room` plays a small one."""
