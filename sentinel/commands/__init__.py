"""The commands of `sentinel`, one file each, and the tables that tell them which kinds exist. They may import anything."""
