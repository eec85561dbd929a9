"""What an operator needs: metrics, backup, restore. It looks at every app, so it stands above."""
